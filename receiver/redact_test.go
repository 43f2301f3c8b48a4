package receiver_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/privacy"
	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/receiver"
)

func patrons() *privacy.Config {
	return &privacy.Config{Set: privacy.AlmaPatrons, Key: setting.Secret(strings.Repeat("k", privacy.MinKey))}
}

func TestARedactedEventHasTheIDAndKeyThatItWouldHaveHad(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"a loan":           `{"id":"7","action":"LOAN","event":{"value":"LOAN_CREATED"},"item_loan":{"user_id":"patron"}}`,
		"without an ID":    `{"action":"LOAN","item_loan":{"user_id":"patron"}}`,
		"XML":              `<webhook><id>7</id><action>USER</action><webhook_user><user><full_name>patron</full_name></user></webhook_user></webhook>`,
		"broken JSON":      `{"id":"7","action":"patron`,
		"XML broken later": `<webhook><id>7</id><action>USER</action><event/>patron`,
		"a form":           `id=7&user=patron`,
		"compressed":       "\x1f\x8bpatron",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var plain, redacted fakeBroker
			if got := serve(t, only(t, func(*receiver.Source) {}), &plain).send(t, "alma", nil, body); got.code != http.StatusOK {
				t.Fatal(got)
			}
			s := serve(t, only(t, func(s *receiver.Source) { s.Redact = patrons() }), &redacted)
			if got := s.send(t, "alma", nil, body); got.code != http.StatusOK {
				t.Fatal(got)
			}
			was, is := plain.one(t), redacted.one(t)
			if was.ID != is.ID || was.Key() != is.Key() || string(was.Data) != body || strings.Contains(string(is.Data), "patron") || is.Header[privacy.Header] == "" || was.Header[privacy.Header] != "" {
				t.Errorf("%+v\n%+v", was, is)
			}
			if is.Action == event.Unreadable && s.metric(t, "unreadable_total", "source", "alma") != 1 {
				t.Error("not counted as unreadable")
			}
		})
	}
}

func TestARedactedEventIsVerifiedAsItWasSigned(t *testing.T) {
	t.Parallel()
	var b fakeBroker
	s := serve(t, only(t, func(s *receiver.Source) { s.Redact = patrons() }), &b)
	header := http.Header{}
	sign(t, "alma", "", header, `{"id":"7","action":"LOAN","item_loan":{"user_id":"a"}}`)
	if got := s.post(t, "/webhooks/alma", header, `{"id":"7","action":"LOAN","item_loan":{"user_id":"b"}}`); got.code != http.StatusUnauthorized || len(b.stored()) != 0 {
		t.Error(got)
	}
}

func TestNoSenderSaysThatItsEventWasRedacted(t *testing.T) {
	t.Parallel()
	s := preset(t, "alma")
	s.KeepHeaders = []string{"hookline-redacted"}
	if err := (receiver.Sources{}).Add("alma", s); err == nil || !strings.Contains(err.Error(), "keep_headers: Hookline-Redacted is set by Hookline") {
		t.Error(err)
	}
}

// BenchmarkPostRedacted is BenchmarkPost with a loan, both unchanged and redacted.
func BenchmarkPostRedacted(b *testing.B) {
	body := `{"id":"7","action":"LOAN","event":{"value":"LOAN_CREATED"},"time":"2025-02-08T10:00:00.000Z","item_loan":{"user_id":"patron","title":"` + strings.Repeat("x", 1050) + `"}}`
	for name, redact := range map[string]*privacy.Config{"no": nil, "yes": patrons()} {
		b.Run("redact="+name, func(b *testing.B) {
			header := http.Header{"Content-Type": {"application/json"}}
			sign(b, "alma", "", header, body)
			var fake fakeBroker
			handler := handlerFor(b, only(b, func(s *receiver.Source) { s.Redact = redact }), &fake)
			b.ReportAllocs()
			for b.Loop() {
				if w := request(b, handler, http.MethodPost, "/webhooks/alma", header, body); w.Code != http.StatusOK {
					b.Fatal(w.Code, w.Body)
				}
				fake.events = fake.events[:0]
			}
		})
	}
}
