package notify_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/worker/handlers/notify"
)

// cloud stands in for the internet in http.DefaultTransport, which is what shoutrrr asks through.
type cloud struct {
	mu   sync.Mutex
	code int
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
		net := &cloud{code: c.code}
		http.DefaultTransport = net
		h := newHandler(t, notify.Config{URL: c.address})
		if err := h.Handle(t.Context(), ended("both")); err != nil {
			t.Errorf("%s: %v", c.address, err)
		}
		if len(net.got) != 1 || !strings.HasPrefix(net.got[0].path, c.asked) || !strings.Contains(net.got[0].body, `Export \"all\"`) {
			t.Errorf("%s: %+v", c.address, net.got)
		}
		net.code = 404
		if err := h.Handle(t.Context(), ended("both")); err == nil || handler.IsPermanent(err) || strings.Contains(err.Error(), "XXX") || strings.Contains(err.Error(), "token@") {
			t.Errorf("%s: %v", c.address, err)
		}
	}
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
