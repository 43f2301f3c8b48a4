package notify_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/handlers/notify"
	"github.com/hookline/hookline/pkg/handler"
)

// nobodyAsked fails a test that looks a person up.
type nobodyAsked struct{ t *testing.T }

func (n nobodyAsked) Person(context.Context, string) (notify.Person, error) {
	n.t.Error("a preview looked a person up")
	return notify.Person{}, notify.ErrNoPerson
}

func TestAPreviewHasTheTextThatIsSent(t *testing.T) {
	t.Parallel()
	sms, texts := service(t, nil)
	h := newHandler(t, notify.Config{SMS: notify.SMS{HTTP: &notify.HTTP{URL: sms}, Country: "49"}})
	d := ended("both")
	p, err := handler.PreviewOf(t.Context(), h, d)
	if err != nil || len(texts) > 0 {
		t.Fatalf("%v, %d requests", err, len(texts))
	}
	if err := h.Handle(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	var sent struct{ Text string }
	if err := json.Unmarshal([]byte((<-texts).body), &sent); err != nil {
		t.Fatal(err)
	}
	if parts := partsOf(p); parts["http text"] != sent.Text || sent.Text == "" || parts["user"] != "both" {
		t.Errorf("sent %q; the preview has %v", sent.Text, parts)
	}
}

func TestAPreviewAsksNobodyAndSaysSo(t *testing.T) {
	t.Parallel()
	h, err := notify.New(notify.Config{
		User: notify.Defaults().User, Text: "{{.user.first_name}}: {{.data.job_instance.name}}", Subject: "ended",
		SMS:   notify.SMS{HTTP: &notify.HTTP{URL: "http://127.0.0.1:1"}},
		Email: notify.Email{Host: "127.0.0.1", Port: 1, From: "a@example.org"}, URL: "generic+http://127.0.0.1:1",
	}, nobodyAsked{t}, notify.NewMetrics(prometheus.NewRegistry()), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	p, err := handler.PreviewOf(t.Context(), h, ended("both"))
	parts := partsOf(p)
	const text = `(first name): Export "all" & more`
	if err != nil || parts["http text"] != text || parts["email text"] != text || parts["email subject"] != "ended" || parts["url subject"] != "ended" || len(p.Unknown) != 2 {
		t.Errorf("%v, %v, %v", parts, p.Unknown, err)
	}
	if _, err := handler.PreviewOf(t.Context(), h, ended("")); !handler.IsPermanent(err) || !strings.Contains(err.Error(), "user:") {
		t.Error(err)
	}
}

func partsOf(p handler.Preview) map[string]string {
	parts := map[string]string{}
	for _, part := range p.Parts {
		parts[part.Name] = part.Text
	}
	return parts
}
