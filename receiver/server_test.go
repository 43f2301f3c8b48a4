package receiver

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/signature"
)

// TestAConnectionHasALimitForEachPart reads the limits, because their effect takes their time.
func TestAConnectionHasALimitForEachPart(t *testing.T) {
	t.Parallel()
	for name, limits := range map[string]Limits{
		"default":    {},
		"configured": {ReadHeaderTimeout: time.Second, ReadTimeout: 2 * time.Second, IdleTimeout: 3 * time.Second, MaxHeaderBytes: 4096},
	} {
		want := limits
		if name == "default" {
			want = DefaultLimits()
		}
		rc, err := New(Config{Limits: limits}, nil, prometheus.NewRegistry(), zap.NewNop())
		if err != nil {
			t.Fatal(err)
		}
		s := rc.server()
		if s.ReadHeaderTimeout != want.ReadHeaderTimeout || s.ReadTimeout != want.ReadTimeout || s.IdleTimeout != want.IdleTimeout || s.MaxHeaderBytes != want.MaxHeaderBytes {
			t.Errorf("%s: headers %v, request %v, idle %v, %d bytes", name, s.ReadHeaderTimeout, s.ReadTimeout, s.IdleTimeout, s.MaxHeaderBytes)
		}
		if s.WriteTimeout <= s.ReadTimeout {
			t.Errorf("%s: the answer has %v, and a request may take %v", name, s.WriteTimeout, s.ReadTimeout)
		}
		if s.Handler == nil || s.ErrorLog == nil {
			t.Errorf("%s: no handler, or no log", name)
		}
	}
}

func TestAnActionIsReadToItsLimit(t *testing.T) {
	t.Parallel()
	for _, split := range []string{"", "."} {
		x := extractor{split: split}
		for length, want := range map[int]int{1: 1, maxWord - 1: maxWord - 1, maxWord: maxWord, maxWord + 1: maxWord, 100_000: maxWord} {
			if got := x.words([]string{"first"}, strings.Repeat("a", length)); len(got) != 2 || len(got[1]) != want {
				t.Errorf("split %q: %d bytes are %d words, the last of %d bytes", split, length, len(got), len(got[len(got)-1]))
			}
		}
		if got := x.words(nil, " \t"); got != nil {
			t.Errorf("split %q: blanks are %q", split, got)
		}
	}
	x := extractor{split: "./"}
	if got := x.words([]string{"a"}, ".b/c..d/"); strings.Join(got, " ") != "a b c d" {
		t.Errorf("%q", got)
	}
}

func TestHeadersWithCredentialsAreNotKept(t *testing.T) {
	t.Parallel()
	token := signature.Scheme{Kind: signature.Token, Token: "header:x-my-token"}
	for _, name := range []string{
		"Authorization", "authorization", "Proxy-Authorization", "Cookie", "COOKIE", "X-Api-Key", "x-api-key", "X-My-Token", "x-my-token", "Hookline-Redacted", "a b", "",
	} {
		if kept, err := keepHeaders([]string{"X-Other", name}, token); err == nil || !strings.Contains(err.Error(), http.CanonicalHeaderKey(name)) {
			t.Errorf("%q is kept: %v, %v", name, kept, err)
		}
	}
	kept, err := keepHeaders([]string{"x-event", "X-Event", "content-encoding"}, token)
	if err != nil || strings.Join(kept, " ") != "Content-Encoding X-Event" {
		t.Errorf("%v, %v", kept, err)
	}
	var many []string
	for i := range MaxKeepHeaders {
		many = append(many, "X-"+strings.Repeat("a", i+1))
	}
	if _, err := keepHeaders(many[1:], token); err != nil {
		t.Error(err)
	}
	if _, err := keepHeaders(many, token); err == nil {
		t.Error("one more than the limit is kept")
	}
}

// TestNoErrorOfASourceQuotesItsSecret gives each preset secrets that it refuses.
func TestNoErrorOfASourceQuotesItsSecret(t *testing.T) {
	t.Parallel()
	refused := 0
	for _, name := range signature.Presets() {
		for _, secret := range []string{"hunter2", "whsec_hunter2!", "hunter2:hunter2", "user:hunter2", "hunter2\n", "change-me-hunter2", " hunter2"} {
			s, _ := Preset(name)
			s.Secrets = signature.Secrets{{Value: setting.Secret(secret), Label: "now"}}
			s.Handshake.VerifyToken = "hunter2"
			err := Sources{}.Add(name, s)
			if err == nil {
				continue
			}
			refused++
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if refused < len(signature.Presets()) {
		t.Errorf("only %d were refused", refused)
	}
}
