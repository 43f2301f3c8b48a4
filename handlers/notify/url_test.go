package notify_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/tidwall/gjson"
	"go.uber.org/zap"

	"github.com/hookline/hookline/handlers/notify"
	"github.com/hookline/hookline/pkg/handler"
)

// cloud stands in for the internet in http.DefaultTransport, which is what shoutrrr asks through.
type cloud struct {
	mu   sync.Mutex
	code int
	err  error // in place of an answer
	got  []request
}

func (c *cloud) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, request{r.URL.String(), r.Header, string(body)})
	if c.err != nil {
		return nil, c.err
	}
	answer := "no_service"
	if c.code == http.StatusOK {
		answer = "ok" // Slack's; the others do not mind
	}
	return &http.Response{StatusCode: c.code, Status: http.StatusText(c.code), Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer)), Request: r}, nil
}

// TestSlackAndDiscord replaces http.DefaultTransport, so it runs alone.
func TestSlackAndDiscord(t *testing.T) {
	before := http.DefaultTransport
	defer func() { http.DefaultTransport = before }()
	for _, c := range []struct {
		address, asked string
		code           int
	}{
		{"slack://hook:T00000000-B00000000-XXXXXXXXXXXXXXXXXXXXXXXX@webhook", "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX", 200},
		{"discord://token@123456789012345678", "https://discord.com/api/webhooks/123456789012345678/token", 204},
	} {
		internet := &cloud{code: c.code}
		http.DefaultTransport = internet
		h := newHandler(t, notify.Config{URL: c.address})
		if err := h.Handle(t.Context(), ended("both")); err != nil {
			t.Errorf("%s: %v", c.address, err)
		}
		if len(internet.got) != 1 || !strings.HasPrefix(internet.got[0].path, c.asked) || !strings.Contains(internet.got[0].body, `Export \"all\"`) {
			t.Errorf("%s: %+v", c.address, internet.got)
		}
		internet.code = 404
		if err := h.Handle(t.Context(), ended("both")); err == nil || handler.IsPermanent(err) || strings.Contains(err.Error(), "XXX") || strings.Contains(err.Error(), "token@") {
			t.Errorf("%s: %v", c.address, err)
		}
		internet.err = io.EOF
		if err := h.Handle(t.Context(), ended("both")); !handler.IsPermanent(err) || !strings.Contains(err.Error(), "maybe sent") {
			t.Errorf("%s: its answer was lost: %v", c.address, err)
		}
		for _, before := range []error{&net.OpError{Op: "dial", Err: io.EOF}, &tls.CertificateVerificationError{Err: io.EOF}} {
			internet.err = before
			if err := h.Handle(t.Context(), ended("both")); err == nil || handler.IsPermanent(err) || strings.Contains(err.Error(), "maybe") {
				t.Errorf("%s: %T came before the message was sent: %v", c.address, before, err)
			}
		}
	}
}

// TestAnAddressIsNotTriedOut has a service that shoutrrr logs in to when its address is read.
func TestAnAddressIsNotTriedOut(t *testing.T) {
	t.Parallel()
	url, asked := service(t, nil)
	cfg := notify.Config{Text: text, URL: strings.Replace(url, "http://", "matrix://user:hidden@", 1) + "/?disabletls=yes&rooms=!room"}
	_, err := notify.New(cfg, nil, notify.NewMetrics(prometheus.NewRegistry()), zap.NewNop())
	if err == nil || !strings.Contains(err.Error(), "matrix://:TOKEN@host") || strings.Contains(err.Error(), "hidden") || len(asked) != 0 {
		t.Errorf("asked %d times: %v", len(asked), err)
	}
	newHandler(t, notify.Config{URL: "matrix://:token@example.org/?rooms=!room"})
}

func TestAServiceThatHangsIsMaybeSentAndTakesUpNoMoreThanItsSlots(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	url, asked := service(t, func(http.ResponseWriter, *http.Request) { <-release })
	h := newHandler(t, notify.Config{URL: strings.Replace(url, "http://", "generic://", 1) + "/?disabletls=yes"})
	for range 4 {
		ctx, stop := context.WithCancel(t.Context())
		go func() { <-asked; stop() }()
		if err := h.Handle(ctx, ended("both")); !handler.IsPermanent(err) || !strings.Contains(err.Error(), "maybe sent") {
			t.Error(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := h.Handle(ctx, ended("both")); err == nil || strings.Contains(err.Error(), "maybe") || len(asked) != 0 {
		t.Errorf("asked %d times more: %v", len(asked), err)
	}
	close(release)
}

func TestTeams(t *testing.T) {
	t.Parallel()
	url, asked := service(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	if err := newHandler(t, notify.Config{URL: "teams+" + url + "/workflows/1?sig=secret"}).Handle(t.Context(), ended("both")); err != nil {
		t.Fatal(err)
	}
	got := <-asked
	card := gjson.Get(got.body, `attachments.#(contentType=="application/vnd.microsoft.card.adaptive").content`)
	if got.path != "/workflows/1?sig=secret" || card.Get("type").Str != "AdaptiveCard" || card.Get("body.0.text").Str != said {
		t.Errorf("%s %s", got.path, got.body)
	}
}
