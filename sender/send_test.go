package sender_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/sender"
)

const secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

func verifier(t *testing.T, scheme signature.Scheme, values ...string) *signature.Verifier {
	t.Helper()
	var secrets []signature.Secret
	for _, value := range values {
		secrets = append(secrets, signature.Secret{Value: setting.Secret(value)})
	}
	v, err := signature.New(scheme, secrets)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func serve(t *testing.T, h http.HandlerFunc) sender.Target {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return sender.Target{URL: server.URL + "/webhooks/x?institution=A&b=2", Transport: server.Client().Transport}
}

// verifying returns a target that answers 200 to a message that v verifies, and 401 with the reason to others.
func verifying(t *testing.T, v *signature.Verifier) sender.Target {
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if r.Method != http.MethodPost || r.URL.Query().Get("institution") != "A" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		if _, err := v.Verify(signature.Request{Method: r.Method, Header: r.Header, Query: r.URL.Query(), Body: body}, time.Now()); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		_, _ = w.Write(body)
	})
}

func TestEverySampleArrivesSignedAsTheSenderSigns(t *testing.T) {
	t.Parallel()
	every(t, func(t *testing.T, s sender.Sample) {
		scheme, _ := signature.Preset(s.Preset)
		v := verifier(t, scheme, secret)
		m := s.Message("", time.Now())
		header := m.Header.Clone()
		to := verifying(t, v)
		a, err := sender.Send(t.Context(), to, m, v)
		if err != nil || a.Code != http.StatusOK || string(a.Body) != string(m.Body) || a.Took <= 0 {
			t.Errorf("%d %s, %v", a.Code, a.Body, err)
		}
		if len(m.Header) != len(header) {
			t.Errorf("sending changed the message's header to %v", m.Header)
		}
		if a, err := sender.Send(t.Context(), to, m, nil); err != nil || a.Code != http.StatusUnauthorized || !strings.Contains(string(a.Body), signature.Missing) {
			t.Errorf("unsigned: %d %s, %v", a.Code, a.Body, err)
		}
	})
}

func TestATokenInTheQueryJoinsTheQuery(t *testing.T) {
	t.Parallel()
	v := verifier(t, signature.Scheme{Kind: signature.Token, Token: "query:token"}, "s&c=r t")
	if a, err := sender.Send(t.Context(), verifying(t, v), sender.Message{}, v); err != nil || a.Code != http.StatusOK {
		t.Errorf("%d %s, %v", a.Code, a.Body, err)
	}
}

func TestWithoutAUsableSecretNothingIsSent(t *testing.T) {
	t.Parallel()
	scheme, _ := signature.Preset("alma")
	to := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("sent") })
	_, err := sender.Send(t.Context(), to, sender.Message{}, verifier(t, scheme))
	var e *signature.Error
	if !errors.As(err, &e) || e.Reason != signature.NoSecret {
		t.Error(err)
	}
}

func TestALateAnswerIsAnErrorThatSaysSo(t *testing.T) {
	t.Parallel()
	hang := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	for name, answer := range map[string]http.HandlerFunc{
		"no answer": hang,
		"half an answer": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			hang(w, r)
		},
	} {
		to := serve(t, answer)
		to.Deadline = 50 * time.Millisecond
		if _, err := sender.Send(t.Context(), to, sender.Message{}, nil); err == nil || !strings.Contains(err.Error(), "no answer within 50ms") {
			t.Errorf("%s: %v", name, err)
		}
	}
	to := serve(t, hang)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sender.Send(ctx, to, sender.Message{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestErrorsLeaveOutTheQuery(t *testing.T) {
	t.Parallel()
	v := verifier(t, signature.Scheme{Kind: signature.Token, Token: "query:token"}, "seekrit")
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, url := range []string{gone.URL + "/?password=seekrit", "http://[::1", "ftp://example.org/?seekrit", "", "http:///x?seekrit"} {
		_, err := sender.Send(t.Context(), sender.Target{URL: url}, sender.Message{}, v)
		if err == nil || strings.Contains(err.Error(), "seekrit") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestARedirectIsAnAnswer(t *testing.T) {
	t.Parallel()
	to := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) })
	if a, err := sender.Send(t.Context(), to, sender.Message{}, nil); err != nil || a.Code != http.StatusFound || a.Header.Get("Location") != "/elsewhere" {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestALongAnswerIsCut(t *testing.T) {
	t.Parallel()
	to := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) })
	if a, err := sender.Send(t.Context(), to, sender.Message{}, nil); err != nil || len(a.Body) != 64<<10 {
		t.Errorf("%d bytes, %v", len(a.Body), err)
	}
}

func TestChallenge(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, challenge string)
		want   string
	}{
		"documented":  {func(w http.ResponseWriter, x string) { _, _ = io.WriteString(w, `{"challenge": "`+x+`"}`) }, ""},
		"bare":        {func(w http.ResponseWriter, x string) { _, _ = io.WriteString(w, x+"\n") }, ""},
		"another":     {func(w http.ResponseWriter, _ string) { _, _ = io.WriteString(w, `{"challenge":"x"}`) }, "does not repeat"},
		"nothing":     {func(http.ResponseWriter, string) {}, "does not repeat"},
		"no receiver": {func(w http.ResponseWriter, _ string) { w.WriteHeader(http.StatusNotFound) }, "404"},
	} {
		var seen []string
		to := serve(t, func(w http.ResponseWriter, r *http.Request) {
			challenge := r.URL.Query().Get("challenge")
			if r.Method != http.MethodGet || challenge == "" || r.URL.Query().Get("institution") != "A" || slices.Contains(seen, challenge) {
				t.Errorf("%s: %s %s", name, r.Method, r.URL)
			}
			seen = append(seen, challenge)
			c.answer(w, challenge)
		})
		for range 2 {
			_, err := sender.Challenge(t.Context(), to)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
