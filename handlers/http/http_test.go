package http_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	forward "github.com/hookline/hookline/handlers/http"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/signature"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// Kept-alive connections of clients whose server is gone end by themselves.
		goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"), goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}

const body = "{\"a\": 1}\n\xff"

func delivery(id string) event.Delivery {
	return event.Delivery{Route: "r", Attempt: 3, Event: event.Event{
		ID: id, Source: "alma", Action: "job_end", ContentType: "application/json; charset=utf-8",
		Header: map[string]string{"Content-Encoding": "br"}, Data: []byte(body)}}
}

func newHandler(t *testing.T, cfg forward.Config) handler.Handler {
	t.Helper()
	h, err := forward.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestSendsTheEventAsItWasReceived(t *testing.T) {
	t.Parallel()
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	scheme, _ := signature.Preset("standard-webhooks")
	verifier, err := signature.New(scheme, []signature.Secret{{Value: setting.Secret(secret)}})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got, _ := io.ReadAll(r.Body)
		user, password, _ := r.BasicAuth()
		if string(got) != body || r.Method != http.MethodPut || r.URL.String() != "/in?token=x" || user != "u" || password != "p" {
			t.Errorf("%s %s %q %s:%s", r.Method, r.URL, got, user, password)
		}
		for name, want := range map[string]string{
			"Content-Type": "application/json; charset=utf-8", "Hookline-Source": "alma", "Hookline-Action": "job_end",
			"Hookline-Route": "r", "Hookline-Attempt": "3", "Content-Encoding": "br", "X-Own": "value",
		} {
			if r.Header.Get(name) != want {
				t.Errorf("%s: %q", name, r.Header.Get(name))
			}
		}
		if r.Host != "other.example" {
			t.Errorf("host %s", r.Host)
		}
		if _, err := verifier.Verify(signature.Request{Method: r.Method, Header: r.Header, Body: got}, time.Now()); err != nil {
			t.Error(err)
		}
		ids = append(ids, r.Header.Get("Hookline-Id"), r.Header.Get("Webhook-Id"))
	}))
	defer server.Close()
	h := newHandler(t, forward.Config{
		URL: strings.Replace(server.URL, "://", "://u:p@", 1) + "/in?token=x", Method: "PUT",
		Headers: map[string]string{"x-own": "value", "host": "other.example"}, Sign: forward.Sign{Secret: secret},
	})
	for _, id := range []string{"42", "42", "4.2"} {
		if err := h.Handle(t.Context(), delivery(id)); err != nil {
			t.Error(err)
		}
	}
	if len(ids) != 6 || ids[0] != "42" || ids[4] != "4.2" || ids[1] != ids[3] || ids[1] == ids[5] {
		t.Errorf("the same event has the same IDs each time: %v", ids)
	}
}

// TestTwoEventsAreTwoMessages has the event of a sender whose only ID is that of a thing, and of another sender: whoever follows
// Standard Webhooks ignores a second message with the same webhook-id.
func TestTwoEventsAreTwoMessages(t *testing.T) {
	t.Parallel()
	ids := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { ids[r.Header.Get("Webhook-Id")] = true }))
	defer server.Close()
	h := newHandler(t, forward.Config{URL: server.URL, Sign: forward.Sign{Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}})
	for _, e := range []event.Event{{Source: "shop", Action: "created", ID: "42"}, {Source: "shop", Action: "deleted", ID: "42"}, {Source: "club", Action: "created", ID: "42"}} {
		if err := h.Handle(t.Context(), event.Delivery{Event: e}); err != nil {
			t.Error(err)
		}
	}
	if len(ids) != 3 {
		t.Errorf("%v", ids)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code      int
		header    string
		value     string
		done      bool
		permanent bool
		after     time.Duration
	}{
		{code: 200, done: true}, {code: 202, done: true}, {code: 204, done: true},
		{code: 299, done: true}, {code: 300, permanent: true},
		{code: 301, header: "Location", value: "https://secret@elsewhere/", permanent: true},
		{code: 304, permanent: true}, {code: 400, permanent: true}, {code: 401, permanent: true}, {code: 404, permanent: true}, {code: 410, permanent: true}, {code: 422, permanent: true},
		{code: 408}, {code: 425}, {code: 429}, {code: 500}, {code: 502}, {code: 503}, {code: 504},
		{code: 429, header: "Retry-After", value: "120", after: 2 * time.Minute},
		{code: 503, header: "Retry-After", value: "99999999999", after: 24 * time.Hour},
		{code: 503, header: "Retry-After", value: "soon"},
		{code: 500, header: "Retry-After", value: "120"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if c.header != "" {
				w.Header().Set(c.header, c.value)
			}
			w.WriteHeader(c.code)
		}))
		err := newHandler(t, forward.Config{URL: server.URL + "/path-secret?query=secret"}).Handle(t.Context(), delivery("42"))
		after, _ := handler.AfterOf(err)
		if (err == nil) != c.done || handler.IsPermanent(err) != c.permanent || after != c.after {
			t.Errorf("%d %s: %v, after %v", c.code, c.value, err, after)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error leaks: %v", err)
		}
		server.Close()
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			t.Error("followed")
		}
		http.Redirect(w, r, "/other", http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	err := newHandler(t, forward.Config{URL: server.URL}).Handle(t.Context(), delivery("42"))
	if !handler.IsPermanent(err) || !strings.Contains(err.Error(), "redirects are not followed") {
		t.Error(err)
	}
}

func TestNetworkErrorsAreTriedAgainAndLeakNothing(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	target := strings.Replace(server.URL, "://", "://user:secret@", 1) + "/secret?secret=1"
	err := newHandler(t, forward.Config{URL: target}).Handle(t.Context(), delivery("42"))
	if err == nil || handler.IsPermanent(err) || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "127.0.0.1") {
		t.Error(err)
	}
}

func TestAnEndlessAnswerIsCutAndASlowOneEndsWithItsContext(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then the server notices that the client is gone
		if r.URL.Path == "/slow" {
			close(arrived)
			<-r.Context().Done()
			return
		}
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 4096)); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	if err := newHandler(t, forward.Config{URL: server.URL}).Handle(t.Context(), delivery("42")); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	if err := newHandler(t, forward.Config{URL: server.URL + "/slow"}).Handle(ctx, delivery("42")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestNewNamesEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := forward.New(forward.Config{URL: "ftp://u:p@host/secret", Method: "GET", Sign: forward.Sign{Secret: "whsec_!secret"},
		Headers: map[string]string{"Hookline-Id": "1", "a b": "1", "X-Own": "secret\n", "Content-Length": "1"}})
	for _, want := range []string{"url: must be http", `method "GET"`, "Hookline-Id is set", `"a b" cannot`, "value of X-Own", "Content-Length is set", "sign.secret", "`hookline config secret FILE` makes one"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	for _, target := range []string{"", "https://", "http://secret:\x00@h/", "https://host/#secret", "host/secret"} {
		if _, err := forward.New(forward.Config{URL: target}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", target, err)
		}
	}
	if err != nil && strings.Contains(strings.ReplaceAll(err.Error(), "sign.secret", ""), "secret\n") {
		t.Errorf("the error leaks: %v", err)
	}
}
