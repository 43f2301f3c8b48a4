package receiver_test

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/receiver"
)

const jobEnd = `{"id":"42","action":"JOB_END"}`

// refused checks the common parts of every refusal.
func refused(t *testing.T, b *fakeBroker, got reply, code int) {
	t.Helper()
	var body struct{ Error string }
	if err := json.Unmarshal([]byte(got.body), &body); err != nil || body.Error == "" || got.code != code {
		t.Errorf("answered %d %q, want %d with an error", got.code, got.body, code)
	}
	for name, want := range map[string]string{"Content-Type": "application/json", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"} {
		if got.header.Get(name) != want {
			t.Errorf("%s is %q", name, got.header.Get(name))
		}
	}
	if n := len(b.stored()); n != 0 {
		t.Errorf("%d events were stored", n)
	}
}

func TestASignatureThatDoesNotFitIs401(t *testing.T) {
	t.Parallel()
	const name = "X-Exl-Signature"
	right := http.Header{}
	sign(t, "alma", "", right, jobEnd)
	good := right.Get(name)
	other := http.Header{}
	sign(t, "alma", "", other, jobEnd+" ")
	inHex := hex.EncodeToString([]byte(good))
	for _, c := range []struct {
		name, reason string
		values       []string
	}{
		{"missing", "missing", nil},
		{"empty", "", []string{""}},
		{"wrong", "mismatch", []string{other.Get(name)}},
		{"truncated", "malformed", []string{good[:20]}},
		{"doubled", "malformed", []string{good, good}},
		{"joined", "", []string{good + ", " + good}},
		{"hex for base64", "malformed", []string{inHex}},
		{"huge", "malformed", []string{strings.Repeat("A", 10_000)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var b fakeBroker
			s := serve(t, every(t), &b)
			header := http.Header{}
			if c.values != nil {
				header[name] = c.values
			}
			refused(t, &b, s.post(t, "/webhooks/alma", header, jobEnd), http.StatusUnauthorized)
			if c.reason != "" && s.metric(t, "verify_failures_total", "source", "alma", "reason", c.reason) != 1 {
				t.Errorf("not counted as %s", c.reason)
			}
			if logged := s.logs.FilterMessage("request refused").Len(); logged != 1 {
				t.Errorf("%d log lines", logged)
			}
		})
	}
}

func TestAnOldSignatureIs401WhileOurClockIsConfirmedAnd503Before(t *testing.T) {
	t.Parallel()
	var b fakeBroker
	s := serve(t, every(t), &b)
	scheme, _ := signature.Preset("stripe")
	v, err := signature.New(scheme, []signature.Secret{{Value: setting.Secret(secretOf("stripe"))}})
	if err != nil {
		t.Fatal(err)
	}
	r := signature.Request{Header: http.Header{}, Body: []byte(`{"id":"evt_1"}`)}
	if err := v.Sign(&r, "", time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	post := func() reply { return s.post(t, "/webhooks/stripe", r.Header, `{"id":"evt_1"}`) }
	refused(t, &b, post(), http.StatusServiceUnavailable)
	if s.metric(t, "verify_failures_total", "source", "stripe", "reason", "clock") != 1 {
		t.Error("not counted as a doubt of the clock")
	}
	if got := s.send(t, "zoom", nil, `{"event":"endpoint.url_validation","payload":{"plainToken":"x"}}`); got.code != http.StatusOK {
		t.Fatalf("a fresh signature was answered %d", got.code)
	}
	refused(t, &b, post(), http.StatusUnauthorized)
	if s.metric(t, "verify_failures_total", "source", "stripe", "reason", "stale") != 1 {
		t.Error("not counted as stale")
	}
}

// RFC 9110, section 15.5.2: some senders show credentials only when they are asked.
func TestA401AsksForCredentials(t *testing.T) {
	t.Parallel()
	s := serve(t, every(t), untouchedBroker(t))
	for source, want := range map[string]string{"basic": `Basic realm="hookline", charset="UTF-8"`, "token": `Bearer realm="hookline"`, "alma": "", "gitlab": ""} {
		got := s.post(t, "/webhooks/"+source, http.Header{}, "{}")
		if got.code != http.StatusUnauthorized || got.header.Get("WWW-Authenticate") != want {
			t.Errorf("%s: answered %d, %q", source, got.code, got.header.Get("WWW-Authenticate"))
		}
	}
}

func TestASourceWithoutASecretIs503(t *testing.T) {
	t.Parallel()
	for name, secrets := range map[string][]signature.Secret{"none": nil, "expired": {{Value: setting.Secret(secretOf("alma")), NotAfter: time.Unix(1, 0)}}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b fakeBroker
			s := serve(t, only(t, func(s *receiver.Source) { s.Secrets = secrets }), &b)
			got := s.send(t, "alma", nil, jobEnd)
			refused(t, &b, got, http.StatusServiceUnavailable)
			if got.header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			if s.metric(t, "verify_failures_total", "source", "alma", "reason", "no_secret") != 1 {
				t.Error("not counted")
			}
		})
	}
}

func TestPathsWithoutASource(t *testing.T) {
	t.Parallel()
	var b fakeBroker
	s := serve(t, every(t), &b)
	paths := []string{"/", "/webhooks", "/webhooks/", "/webhooks/nobody", "/webhooks/unknown", "/webhooks/ALMA", "/webhooks/alma/", "/webhooks//alma", "/webhooks/alma/../alma",
		"/webhooks/..%2falma", "/webhooks/%2e%2e", "/webhooks/alma%00", "/webhooks/alma%0a", "/webhooks/alma%20", "/metrics", "/webhooks/" + strings.Repeat("a", 4000)}
	var first string
	for _, path := range paths {
		header := http.Header{}
		sign(t, "alma", "", header, jobEnd)
		got := s.post(t, path, header, jobEnd)
		refused(t, &b, got, http.StatusNotFound)
		if first == "" {
			first = got.body
		}
		if got.body != first {
			t.Errorf("%.40s is answered differently: %s", path, got.body)
		}
	}
	if n := s.metric(t, "requests_total", "source", "unknown", "code", "404"); n != float64(len(paths)) {
		t.Errorf("%v counted, not %d", n, len(paths))
	}
}

func TestOtherMethodsAre405(t *testing.T) {
	t.Parallel()
	var b fakeBroker
	s := serve(t, every(t), &b)
	for _, c := range []struct{ method, source, allow string }{
		{http.MethodPut, "alma", "GET, POST"}, {http.MethodDelete, "github", "POST"}, {"BREW", "slack", "POST"}, {http.MethodGet, "github", "POST"}, {http.MethodGet, "zoom", "POST"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, s.url("/webhooks/"+c.source), nil)
		if err != nil {
			t.Fatal(err)
		}
		got := s.do(t, r)
		refused(t, &b, got, http.StatusMethodNotAllowed)
		if got.header.Get("Allow") != c.allow {
			t.Errorf("%s %s: Allow %q", c.method, c.source, got.header.Get("Allow"))
		}
	}
}

func TestLogLinesThatStrangersCauseAreLimited(t *testing.T) {
	t.Parallel()
	var b fakeBroker
	s := serve(t, every(t), &b)
	const requests = 300
	for range requests {
		s.post(t, "/webhooks/alma", http.Header{}, "")
	}
	if n := s.logs.Len(); n < 50 || n >= requests {
		t.Errorf("%d lines for %d requests", n, requests)
	}
	if n := s.metric(t, "verify_failures_total", "source", "alma", "reason", "missing"); n != requests {
		t.Errorf("%v counted", n)
	}
}

// storesAs sends a body as Alma, and checks that it is stored unchanged with this action.
func storesAs(t *testing.T, action, body string, unreadable float64) {
	t.Helper()
	var b fakeBroker
	s := serve(t, only(t, func(s *receiver.Source) { s.MaxBody = 4 << 20 }), &b)
	if got := s.send(t, "alma", nil, body); got.code != http.StatusOK {
		t.Fatalf("answered %d %s", got.code, got.body)
	}
	if e := b.one(t); e.Action != action || string(e.Data) != body {
		t.Errorf("stored as %s with %d bytes", e.Action, len(e.Data))
	}
	if n := s.metric(t, "unreadable_total", "source", "alma"); n != unreadable {
		t.Errorf("%v counted as unreadable", n)
	}
}

// A signed body that cannot be read is stored, too.
func TestSignedButUnreadable(t *testing.T) {
	t.Parallel()
	lol := `<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol1 "` + strings.Repeat("&lol;", 1000) + `"><!ENTITY lol2 "` + strings.Repeat("&lol1;", 1000) + `">]>`
	for name, body := range map[string]string{
		"empty":                 "",
		"blank":                 " \n ",
		"text":                  "hello",
		"gzip":                  "\x1f\x8b\x08\x00\x00\x00\x00\x00",
		"number":                `{"action":5}`,
		"null":                  `{"action":null}`,
		"object":                `{"action":{"value":"x"}}`,
		"blank action":          `{"action":" "}`,
		"array":                 `[{"action":"JOB_END"}]`,
		"broken JSON":           `{"action":JOB_END`,
		"unended JSON":          `{"action":"JOB_END"`,
		"JSON and more":         `{"action":"JOB_END"}}`,
		"binary after JSON":     "{\"action\":\"JOB_END\",\x00\xff",
		"nested after action":   `{"action":"JOB_END","x":` + strings.Repeat("[", 1_000_000),
		"nested 1,000,000":      strings.Repeat("[", 1_000_000),
		"objects 200,000":       strings.Repeat(`{"a":`, 200_000),
		"invalid UTF-8":         "\xff\xfe\x00",
		"broken XML":            `<webhook><action>JOB_END</webhook>`,
		"unclosed XML":          `<webhook><id>1</id>`,
		"billion laughs":        lol + `<webhook><action>&lol2;</action></webhook>`,
		"external entity":       `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><webhook><action>&x;</action></webhook>`,
		"XML 300,000 deep":      strings.Repeat("<a>", 300_000),
		"XML of 260,000 pieces": "<a>" + strings.Repeat("<b/>", 260_000) + "</a>",
		"UTF-16":                "<\x00a\x00>\x00",
		"Latin-1 undeclared":    "<webhook><title>M\xe4rchen</title><action>BIB</action></webhook>",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storesAs(t, event.Unreadable, body, 1)
		})
	}
}

func TestActionsOfStrangersBecomeSafeKeys(t *testing.T) {
	t.Parallel()
	for action, want := range map[string]string{
		`a.b`: "a_b", `#`: "_", `*.*`: "___", `a b`: "a_b", `🎣`: "_", `\u0000x`: "_x", "\xff": "_", `../etc`: "___etc", `JOB_END\n`: "job_end",
		strings.Repeat("x", 10_000): strings.Repeat("x", event.MaxAction),
	} {
		var b fakeBroker
		s := serve(t, every(t), &b)
		if got := s.send(t, "alma", nil, `{"id":"1","action":"`+action+`"}`); got.code != http.StatusOK {
			t.Fatalf("%.20q: answered %d", action, got.code)
		}
		if e := b.one(t); e.Action != want {
			t.Errorf("%.20q became %q", action, e.Action)
		}
	}
}
