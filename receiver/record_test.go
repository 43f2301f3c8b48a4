package receiver_test

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/receiver"
)

// tally is a receiver.Counter.
type tally struct {
	mu sync.Mutex
	n  map[string]int // by source and number
}

func (c *tally) Count(source, number string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[source+" "+number]++
}

func TestEveryRequestForASourceIsCountedWithItsReason(t *testing.T) {
	t.Parallel()
	counted := &tally{n: map[string]int{}}
	cfg := every(t)
	cfg.Counter = counted
	slow, stripped := preset(t, "github"), preset(t, "gitlab")
	slow.Rate, stripped.Secrets = receiver.Rate{PerSecond: 0.001, Burst: 1}, nil
	maps.Copy(cfg.Sources, checked(t, map[string]receiver.Source{"github": slow, "gitlab": stripped}))
	s := serve(t, cfg, &fakeBroker{publish: func(_ context.Context, e event.Event) error {
		switch e.Source {
		case "token":
			return broker.ErrBlocked
		case "basic":
			panic("a bug")
		}
		return nil
	}})
	s.send(t, "alma", nil, jobEnd)
	s.send(t, "alma", nil, "not understood, but stored")
	s.post(t, "/webhooks/alma", http.Header{}, jobEnd)
	s.post(t, "/webhooks/alma", http.Header{"X-Exl-Signature": {strings.Repeat("A", 43) + "="}}, jobEnd)
	s.send(t, "alma", nil, strings.Repeat("x", receiver.DefaultMaxBody+1))
	s.get(t, "/webhooks/alma?challenge=a1b2") // brings no event
	s.get(t, "/webhooks/alma")
	s.get(t, "/webhooks/github")
	s.send(t, "github", nil, `{"action":"opened"}`)
	s.send(t, "github", nil, `{"action":"closed"}`)
	s.send(t, "gitlab", nil, `{}`)
	s.send(t, "token", nil, `{}`)
	s.send(t, "basic", nil, `{}`)
	s.send(t, "slack", nil, `{"type":"url_verification","challenge":"a"}`) // brings no event
	s.post(t, "/webhooks/nobody", http.Header{}, jobEnd)
	s.get(t, "/webhooks/unknown")
	want := map[string]int{
		"alma received": 6, "alma missing": 1, "alma mismatch": 1, "alma too_large": 1, "alma handshake": 1,
		"github received": 3, "github method": 1, "github limited": 1,
		"gitlab received": 1, "gitlab no_secret": 1, "token received": 1, "token blocked": 1, "basic received": 1, "basic panic": 1,
	}
	if counted.mu.Lock(); !maps.Equal(counted.n, want) {
		t.Errorf("counted %v\nwant    %v", counted.n, want)
	}
	counted.mu.Unlock()
}
