package event_test

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/pkg/event"
)

func TestNewAction(t *testing.T) {
	for _, c := range []struct {
		words []string
		want  string
	}{
		{[]string{"JOB_END", ""}, "job_end"},
		{[]string{"azAZ09_-/:@[`{"}, "azaz09_-______"},
		{[]string{"LOAN", "LOAN_CREATED"}, "loan.loan_created"},
		{[]string{"a.b*c#d e"}, "a_b_c_d_e"},
		{[]string{"", " ", ""}, event.Unreadable},
		{[]string{"🎣"}, "_"},
		{[]string{" ", "LOAN", "", "CREATED"}, "loan.created"},
		{[]string{"a", "b", "c"}, "a.b.c"},
		{[]string{strings.Repeat("x", event.MaxAction+1)}, strings.Repeat("x", event.MaxAction)},
		{[]string{strings.Repeat("x", event.MaxAction-1), "y"}, strings.Repeat("x", event.MaxAction-1)},
		{nil, event.Unreadable},
	} {
		if got := event.NewAction(c.words...); got != c.want {
			t.Errorf("NewAction(%q) = %q, want %q", c.words, got, c.want)
		}
	}
	if event.MaxKey != 255 || event.MaxSource+len(".")+event.MaxAction != event.MaxKey {
		t.Error("the longest key is no short string of AMQP")
	}
}

func FuzzAction(f *testing.F) {
	f.Add("JOB_END", "LOAN.*#")
	f.Add(strings.Repeat("x", 10_000), "é🎣\x00\xff")
	safe := regexp.MustCompile(`^[a-z0-9_-]+(\.[a-z0-9_-]+)*$`)
	f.Fuzz(func(t *testing.T, action, sub string) {
		got := event.NewAction(action, sub)
		if len(got) > event.MaxAction || !safe.MatchString(got) {
			t.Fatalf("NewAction(%q, %q) = %q", action, sub, got)
		}
	})
}

func FuzzID(f *testing.F) {
	f.Add("42", []byte("body"))
	f.Add("../../etc/passwd\x00", []byte{})
	f.Fuzz(func(t *testing.T, id string, body []byte) {
		got := event.NewID(id, body)
		if with := event.NewIDWithDigest(id, body); with != event.NewIDWithDigest(id, body) || len(with) > event.MaxID || strings.ContainsAny(with, " \x00\n\r") {
			t.Fatalf("NewIDWithDigest(%q) = %q", id, with)
		}
		if got != event.NewID(id, body) || len(got) == 0 || len(got) > event.MaxID || strings.ContainsAny(got, " \x00\n\r") {
			t.Fatalf("NewID(%q) = %q", id, got)
		}
	})
}

func TestNewIDWithoutAnIDIsTheBodysHash(t *testing.T) {
	a, b := event.NewID("", []byte("a")), event.NewID("", []byte("b"))
	if a == b || a != event.NewID(" ", []byte("a")) {
		t.Errorf("IDs of bodies: %q, %q", a, b)
	}
}

func TestNewIDHashesAnIDThatCannotBeWritten(t *testing.T) {
	for id, kept := range map[string]bool{
		"42": true, "~!": true, strings.Repeat("x", event.MaxID): true,
		strings.Repeat("x", event.MaxID+1): false, "a b": false, "a\x7f": false, "é": false,
	} {
		got := event.NewID(id, nil)
		if kept != (got == id) || !kept && !strings.HasPrefix(got, "id-") {
			t.Errorf("NewID(%q) = %q", id, got)
		}
	}
}

func TestNewIDWithDigestTellsEventsWithOneIDApart(t *testing.T) {
	seen := map[string]bool{}
	for _, parts := range [][][]byte{{[]byte("a")}, {[]byte("b")}, {[]byte("a"), []byte("bc")}, {[]byte("ab"), []byte("c")}, {[]byte("abc")}} {
		id := event.NewIDWithDigest("42", parts...)
		if !strings.HasPrefix(id, "42~") || seen[id] {
			t.Errorf("%q of %q", id, parts)
		}
		seen[id] = true
	}
	if long := strings.Repeat("x", event.MaxID); event.NewIDWithDigest(long) == event.NewIDWithDigest(long[1:]) {
		t.Error("long IDs have lost their difference")
	}
}

// TestIDsStayTheSameOverVersions pins IDs, because a sender's repeat can come after an upgrade.
func TestIDsStayTheSameOverVersions(t *testing.T) {
	for got, want := range map[string]string{
		event.NewID("", []byte("body")):             "sha256-230d8358dc8e8890b4c58deeb62912ee",
		event.NewID("a b", nil):                     "id-c8687a08aa5d6ed2044328fa6a697ab8",
		event.NewIDWithDigest("42", []byte("body")): "42~810519901940e8b1",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestNewIDWithDigestFits has the longest ID that is kept, and one more byte.
func TestNewIDWithDigestFits(t *testing.T) {
	const room = event.MaxID - len("~0123456789abcdef")
	longest := strings.Repeat("x", room)
	if id := event.NewIDWithDigest(longest); !strings.HasPrefix(id, longest+"~") || len(id) != event.MaxID {
		t.Errorf("%q", id)
	}
	if id := event.NewIDWithDigest(longest + "x"); !strings.HasPrefix(id, "id-") || len(id) > event.MaxID {
		t.Errorf("%q", id)
	}
}

func TestAnErrorQuotesTheBeginOfALongSource(t *testing.T) {
	for name, want := range map[string]string{
		strings.Repeat("X", event.MaxSource):   `"` + strings.Repeat("X", event.MaxSource) + `"`,
		strings.Repeat("X", event.MaxSource+1): `"` + strings.Repeat("X", event.MaxSource) + `..."`,
	} {
		if err := event.CheckSource(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if err := event.CheckSource(strings.Repeat("x", event.MaxSource)); err != nil {
		t.Error(err)
	}
}

func TestCheckSource(t *testing.T) {
	for name, ok := range map[string]bool{"alma": true, "git-hub_2": true, "": false, "A": false, "a.b": false, strings.Repeat("x", 64): false} {
		if err := event.CheckSource(name); (err == nil) != ok {
			t.Errorf("CheckSource(%q) = %v", name, err)
		}
	}
}

func TestJSONRoundTrip(t *testing.T) {
	e := event.Event{ID: "42", Source: "alma", Action: "job_end", Time: time.UnixMilli(1700000000123).UTC(), ContentType: "application/json", Header: map[string]string{"X-A": "b"}, Data: []byte("\xff{}")}
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var back event.Event
	if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(e, back) {
		t.Fatalf("back %+v, %v, of %s", back, err, b)
	}
	const ok = `{"id":"1","source":"a","type":"b","time":"2023-11-14T22:13:20Z"}`
	if err := json.Unmarshal([]byte(ok), &back); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{strings.Replace(ok, "1", "", 1), strings.Replace(ok, `"a"`, `""`, 1), strings.Replace(ok, `"b"`, `""`, 1), `{}`, `[]`, `{"id":"1","source":"a","type":"b","time":"yesterday"}`, strings.Replace(ok, "{", `{"header":5,`, 1), strings.Replace(ok, "{", `{"data_base64":"?",`, 1)} {
		if err := json.Unmarshal([]byte(bad), &back); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}
