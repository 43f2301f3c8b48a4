package sender_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/sender"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 123_000_000, time.UTC)

// every calls fn for each sample of each preset.
func every(t *testing.T, fn func(t *testing.T, s sender.Sample)) {
	t.Helper()
	for _, preset := range signature.Presets() {
		all := sender.Samples(preset)
		if len(all) == 0 {
			t.Errorf("no sample for %s", preset)
		}
		for _, s := range all {
			t.Run(preset+"/"+s.Name+"."+s.Format, func(t *testing.T) { fn(t, s) })
		}
	}
}

func TestAlmaHasASampleOfEveryKindOfEventInBothFormats(t *testing.T) {
	t.Parallel()
	want := strings.Fields(`job_end job_end+failed job_end+publishing notification user+create user+update user+delete
		loan.loan_created loan.loan_returned loan.loan_lost loan.loan_claimed_returned loan.loan_renewed loan.loan_due_date
		request.request_created request.request_canceled request.request_closed request.request_placed_on_shelf
		bib.bib_created bib.bib_updated bib.bib_deleted item.item_created item.item_updated item.item_deleted`)
	got := map[string][]string{}
	for _, s := range sender.Samples("alma") {
		got[s.Name] = append(got[s.Name], s.Format)
	}
	slices.Sort(want)
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, want) {
		t.Errorf("samples %q", names)
	}
	for name, formats := range got {
		if !slices.Equal(formats, []string{"json", "xml"}) {
			t.Errorf("%s has the formats %q", name, formats)
		}
	}
}

// A receiver takes a copy of a signed body for a repeat.
func TestTwoMessagesOfASampleHaveDifferentBodies(t *testing.T) {
	t.Parallel()
	every(t, func(t *testing.T, s sender.Sample) {
		one, other := s.Message("", now), s.Message("", now)
		if bytes.Equal(one.Body, other.Body) {
			t.Errorf("both bodies are %s", one.Body)
		}
		if again := s.Message(one.ID, now); !bytes.Equal(again.Body, one.Body) {
			t.Errorf("a repeat has another body: %s", again.Body)
		}
	})
}

func TestEverySampleIsAWholeMessage(t *testing.T) {
	t.Parallel()
	every(t, func(t *testing.T, s sender.Sample) {
		m := s.Message("", now)
		if text := string(m.Body); strings.Contains(text, "{{") || strings.HasSuffix(text, "\n") || strings.Contains(m.Header.Get("Content-Type"), "{{") {
			t.Errorf("left over in %s", text)
		}
		if !strings.HasPrefix(m.Header.Get("Content-Type"), "application/"+s.Format) {
			t.Errorf("header %v", m.Header)
		}
		for name, values := range m.Header {
			if strings.Contains(values[0], "{{") {
				t.Errorf("left over in %s: %s", name, values[0])
			}
		}
		switch s.Format {
		case "json":
			if !json.Valid(m.Body) || strings.Contains(string(m.Body), "\n") {
				t.Errorf("not compact JSON: %s", m.Body)
			}
		case "xml":
			if err := xml.Unmarshal(m.Body, new(struct{ XMLName xml.Name })); err != nil {
				t.Errorf("%v: %s", err, m.Body)
			}
		}
	})
}

// action reads a message as the sender documents it, apart from package receiver.
func action(t *testing.T, preset string, m sender.Message) string {
	t.Helper()
	header := func(name string) []string {
		return strings.FieldsFunc(m.Header.Get(name), func(r rune) bool { return r == '/' || r == ':' })
	}
	body := func(path string) []string {
		return strings.FieldsFunc(gjson.GetBytes(m.Body, path).Str, func(r rune) bool { return r == '.' })
	}
	switch preset {
	case "alma":
		if m.Body[0] == '<' {
			var w webhook
			if err := xml.Unmarshal(m.Body, &w); err != nil {
				t.Fatal(err)
			}
			return event.NewAction(w.Action, w.Event)
		}
		return event.NewAction(append(body("action"), body("event.value")...)...)
	case "github":
		return event.NewAction(append(header("X-GitHub-Event"), body("action")...)...)
	case "slack":
		return event.NewAction(append(body("type"), body("event.type")...)...)
	case "shopify":
		return event.NewAction(header("X-Shopify-Topic")...)
	case "bitbucket":
		return event.NewAction(header("X-Event-Key")...)
	case "gitlab":
		return event.NewAction(body("object_kind")...)
	case "meta":
		return event.NewAction(body("object")...)
	case "zoom":
		return event.NewAction(body("event")...)
	case "dropbox":
		return "changed" // the message does not say what happened
	}
	return event.NewAction(body("type")...)
}

type webhook struct {
	ID     string `xml:"id"`
	Action string `xml:"action"`
	Time   string `xml:"time"`
	Event  string `xml:"event"`
}

func TestEverySampleHasTheActionOfItsName(t *testing.T) {
	t.Parallel()
	every(t, func(t *testing.T, s sender.Sample) {
		if got := action(t, s.Preset, s.Message("", now)); got != s.Action {
			t.Errorf("the message says %q, the name %q", got, s.Action)
		}
	})
}

func TestEveryMessageHasANewIDInItsBodyOrHeader(t *testing.T) {
	t.Parallel()
	every(t, func(t *testing.T, s sender.Sample) {
		a, b := s.Message("", now), s.Message("", now)
		if a.ID == b.ID || event.NewID(a.ID, nil) != a.ID {
			t.Errorf("IDs %q, %q", a.ID, b.ID)
		}
		again := s.Message(a.ID, now)
		if string(again.Body) != string(a.Body) || again.ID != a.ID {
			t.Error("the same ID made another message")
		}
		switch s.Preset {
		case "dropbox", "standard-webhooks": // the first has no ID, the second's is put in when it is signed
			return
		case "meta":
			if s.Name == "page" {
				return
			}
		}
		if seen := string(a.Body) + strings.Join(slices.Concat(slices.Collect(maps.Values(a.Header))...), " "); !strings.Contains(seen, a.ID) {
			t.Errorf("%s is not in %s", a.ID, seen)
		}
	})
}

func TestAlmaSamplesHaveTheFieldsThatAreHardToHandle(t *testing.T) {
	t.Parallel()
	body := func(name string) gjson.Result {
		s, err := sender.Find("alma", name, "json")
		if err != nil {
			t.Fatal(err)
		}
		return gjson.ParseBytes(s.Message("", now).Body)
	}
	done := body("job_end")
	if id := done.Get("id").Str; len(id) != 19 || done.Get("job_instance.id").Str != id || done.Get("time").Str != "2026-03-01T12:00:00.123Z" {
		t.Errorf("envelope of %s", done.Raw)
	}
	if done.Get("event").Exists() || done.Get("bib").Exists() {
		t.Error("the newer style has no nulls")
	}
	if link := done.Get(`job_instance.counter.#(type.value=="c.jobs.bibExport.link").value`).Str; !strings.HasPrefix(link, "BIBLIOGRAPHIC_") || strings.HasSuffix(link, done.Get("id").Str) {
		t.Errorf("export link %q", link)
	}
	if failed := body("job_end+failed"); failed.Get("job_instance.status.value").Str != "COMPLETED_FAILED" || failed.Get("job_instance.progress").Num != 101.3 {
		t.Errorf("failed: %s", failed.Raw)
	}
	if older := body("job_end+publishing"); older.Get("event").Raw != "null" || older.Get("bib").Raw != "null" {
		t.Error("the older style has nulls")
	}
	if record := body("bib.bib_created").Get("bib.anies.0").Str; !strings.HasPrefix(record, `<?xml version="1.0" encoding="UTF-16"?><record>`) {
		t.Errorf("record %q", record)
	}
	if due := body("loan.loan_created").Get("item_loan.due_date").Str; due != "2026-03-15T12:00:00.123Z" {
		t.Errorf("due %s", due)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ preset, name, format, found, foundFormat string }{
		{"alma", "job_end", "", "job_end", "json"},
		{"alma", "job_end", "xml", "job_end", "xml"},
		{"alma", "job_end+failed", "", "job_end+failed", "json"},
		{"alma", "user", "", "user+create", "json"},
		{"github", "push", "json", "push", "json"},
	} {
		if s, err := sender.Find(c.preset, c.name, c.format); err != nil || s.Name != c.found || s.Format != c.foundFormat {
			t.Errorf("%v: %s.%s, %v", c, s.Name, s.Format, err)
		}
	}
	for _, c := range [][]string{{"alma", "lone", "", "loan.loan_created, "}, {"github", "push", "xml", "send a file"}, {"nobody", "x", "", "send a file"}, {"../alma", "x", "", "send a file"}} {
		if _, err := sender.Find(c[0], c[1], c[2]); err == nil || !strings.Contains(err.Error(), c[3]) {
			t.Errorf("%q: %v", c, err)
		}
	}
}
