package http_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	forward "github.com/hookline/hookline/handlers/http"
	"github.com/hookline/hookline/pkg/handler"
)

func TestAPreviewIsTheRequestThatHandleSends(t *testing.T) {
	t.Parallel()
	sent := map[string]string{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sent["body"] = string(body)
		for name := range r.Header {
			sent["header "+name] = r.Header.Get(name)
		}
	}))
	t.Cleanup(server.Close)
	h := newHandler(t, forward.Config{
		URL: server.URL + "/hook?token=s3cret", Headers: map[string]string{"authorization": "Bearer s3cret"}, Body: `{"id":{{json .id}}}`,
		Sign: forward.Sign{Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
	})
	d := delivery("42")
	d.Event.Data, d.Event.Time = []byte(`{}`), time.UnixMilli(1700000000123)
	p, err := handler.PreviewOf(t.Context(), h, d)
	if err != nil || len(sent) > 0 {
		t.Fatalf("%v; sent %v", err, sent)
	}
	if err := h.Handle(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	secret := 0
	for _, part := range p.Parts {
		if part.Secret {
			secret++
		} else if strings.Contains(part.Text, "s3cret") {
			t.Errorf("%s shows a secret: %s", part.Name, part.Text)
		}
		switch name := strings.ToLower(part.Name); {
		case name == "header webhook-signature", name == "header webhook-timestamp": // of another time
		case name == "body" || strings.HasPrefix(name, "header "):
			if sent[part.Name] != part.Text {
				t.Errorf("%s: %q was sent, and the preview has %q", part.Name, sent[part.Name], part.Text)
			}
		}
	}
	again, err := handler.PreviewOf(t.Context(), h, d)
	if err != nil || secret != 3 || len(again.Parts) != len(p.Parts) {
		t.Errorf("%d secret parts of %+v, %v", secret, p, err)
	}
	for i := range again.Parts {
		if again.Parts[i] != p.Parts[i] {
			t.Errorf("another preview of the same event: %+v, %+v", again.Parts[i], p.Parts[i])
		}
	}
}

func TestAPreviewHasTheErrorOfTheTemplate(t *testing.T) {
	t.Parallel()
	h := newHandler(t, forward.Config{URL: "https://example.org", Body: `{{.data.a}}`})
	d := delivery("42")
	d.Event.Data = []byte("<xml/>")
	if _, err := handler.PreviewOf(t.Context(), h, d); !handler.IsPermanent(err) {
		t.Error(err)
	}
}
