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
	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/signature"
)

func TestABodyIsMadeByATemplateAndSigned(t *testing.T) {
	t.Parallel()
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	scheme, _ := signature.Preset("standard-webhooks")
	verifier, err := signature.New(scheme, []signature.Secret{{Value: setting.Secret(secret)}})
	if err != nil {
		t.Fatal(err)
	}
	var got, kind string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got, kind = string(body), r.Header.Get("Content-Type")
		if _, err := verifier.Verify(signature.Request{Method: r.Method, Header: r.Header, Body: body}, time.Now()); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	d := delivery("42")
	d.Event.Data = []byte(`{"a":{"b":"ä \"quoted\" <b>"},"n":12345678901234567890}`)
	for template, want := range map[string]string{
		`{"text":{{json .data.a.b}},"n":{{.data.n}},"none":{{json .data.x}}}`: `{"text":"ä \"quoted\" <b>","n":12345678901234567890,"none":null}`,
		`{{.id}} {{.source}} {{.action}} {{.route}} {{.data.x}}.`:             "42 alma job_end r .",
	} {
		if err := newHandler(t, forward.Config{URL: server.URL, Body: template, Sign: forward.Sign{Secret: secret}}).Handle(t.Context(), d); err != nil || got != want || kind != "application/json" {
			t.Errorf("%s: sent %q as %s, %v", template, got, kind, err)
		}
	}
	if err := newHandler(t, forward.Config{URL: server.URL, Body: "x", Headers: map[string]string{"Content-Type": "text/plain"}, Sign: forward.Sign{Secret: secret}}).Handle(t.Context(), d); err != nil || kind != "text/plain" {
		t.Errorf("sent as %s, %v", kind, err)
	}
}

func TestABodyThatCannotBeMadeIsGivenUp(t *testing.T) {
	t.Parallel()
	h := newHandler(t, forward.Config{URL: "https://example.org", Body: `{{index .data.a "x"}}`})
	for name, data := range map[string]string{"no JSON": "<xml/>", "of another shape": `{"a":1}`} {
		d := delivery("42")
		d.Event.Data = []byte(data)
		if err := h.Handle(t.Context(), d); !handler.IsPermanent(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := forward.New(forward.Config{URL: "https://example.org", Body: "{{"}); err == nil || !strings.Contains(err.Error(), "body: ") {
		t.Error(err)
	}
}
