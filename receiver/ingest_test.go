package receiver_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/deadline"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/receiver"
)

// hold sends on running for each event, and stores it when release is closed.
func hold(running, release chan struct{}) func(context.Context, event.Event) error {
	return func(context.Context, event.Event) error {
		running <- struct{}{}
		<-release
		return nil
	}
}

func TestAnEventThatTheBrokerDoesNotStoreIs503(t *testing.T) {
	t.Parallel()
	for reason, err := range map[string]error{
		"down": broker.ErrDown, "blocked": broker.ErrBlocked, "refused": broker.ErrRefused, "unknown": broker.ErrUnknown, "other": errors.New("odd"),
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			b := fakeBroker{publish: func(context.Context, event.Event) error { return fmt.Errorf("publish: %w", err) }}
			s := serve(t, every(t), &b)
			got := s.send(t, "alma", nil, jobEnd)
			refused(t, &b, got, http.StatusServiceUnavailable)
			if got.header.Get("Retry-After") != "10" {
				t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
			}
			if s.metric(t, "publish_failures_total", "source", "alma", "reason", reason) != 1 || s.metric(t, "accepted_total", "source", "alma") != 0 {
				t.Error("counted wrongly")
			}
			lines := s.logs.All()
			if len(lines) != 1 || lines[0].ContextMap()["reason"] != reason {
				t.Errorf("logged %v", lines)
			}
		})
	}
}

func TestABrokerThatHangsIs503BeforeTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := fakeBroker{publish: func(ctx context.Context, _ event.Event) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		rc, err := receiver.New(every(t), &b, prometheus.NewRegistry(), zap.NewNop())
		if err != nil {
			t.Fatal(err)
		}
		header := http.Header{}
		sign(t, "alma", "", header, jobEnd)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/alma", strings.NewReader(jobEnd))
		r.Header = header
		w := httptest.NewRecorder()
		begin := time.Now()
		rc.Handler().ServeHTTP(w, r)
		if took := time.Since(begin); w.Code != http.StatusServiceUnavailable || took != 4*time.Second+deadline.Grain {
			t.Errorf("answered %d after %v; Alma waits 5 s", w.Code, took)
		}
	})
}

func TestAnEventIsStoredAfterItsSenderHangsUp(t *testing.T) {
	t.Parallel()
	b := fakeBroker{publish: func(ctx context.Context, _ event.Event) error { return ctx.Err() }}
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	r := httptest.NewRequestWithContext(gone, http.MethodPost, "/webhooks/alma", strings.NewReader(jobEnd))
	sign(t, "alma", "", r.Header, jobEnd)
	handlerFor(t, every(t), &b).ServeHTTP(httptest.NewRecorder(), r)
	b.one(t)
}

func TestAPanicIs503AndTheNextMessageIsTaken(t *testing.T) {
	t.Parallel()
	var once atomic.Bool
	b := fakeBroker{publish: func(context.Context, event.Event) error {
		if once.CompareAndSwap(false, true) {
			panic("odd")
		}
		return nil
	}}
	s := serve(t, every(t), &b)
	refused(t, &b, s.send(t, "alma", nil, jobEnd), http.StatusServiceUnavailable)
	if got := s.send(t, "alma", nil, jobEnd); got.code != http.StatusOK {
		t.Errorf("answered %d", got.code)
	}
	if s.metric(t, "in_flight") != 0 {
		t.Error("still in flight")
	}
}

func TestUnroutedEventsAreStoredCountedAndNamed(t *testing.T) {
	t.Parallel()
	var b fakeBroker
	cfg := every(t)
	cfg.Routed = func(key string) bool { return key == "alma.loan" }
	s := serve(t, cfg, &b)
	for _, body := range []string{jobEnd, `{"id":"1","action":"LOAN"}`} {
		if got := s.send(t, "alma", nil, body); got.code != http.StatusOK {
			t.Fatal(got)
		}
	}
	if n := s.metric(t, "unrouted_total", "source", "alma"); n != 1 {
		t.Errorf("%v unrouted", n)
	}
	logged := s.logs.FilterFieldKey("bytes").All()
	if len(logged) != 2 || logged[0].Level != zap.WarnLevel || !strings.HasPrefix(logged[0].Message, "event stored, but no route matches it") || logged[1].Level != zap.InfoLevel || logged[1].Message != "event stored" {
		t.Errorf("logged %v", logged)
	}
}

func TestTheRateIsLimitedAfterTheSignature(t *testing.T) {
	t.Parallel()
	var b fakeBroker
	s := serve(t, only(t, func(s *receiver.Source) { s.Rate = receiver.Rate{PerSecond: 0.01, Burst: 2} }), &b)
	for range 5 {
		if got := s.post(t, "/webhooks/alma", http.Header{}, jobEnd); got.code != http.StatusUnauthorized {
			t.Fatalf("an unsigned request was answered %d", got.code)
		}
	}
	for range 2 {
		if got := s.send(t, "alma", nil, jobEnd); got.code != http.StatusOK {
			t.Fatalf("answered %d %s", got.code, got.body)
		}
	}
	for range 2 { // a refused event does not count: the wait stays the same
		got := s.send(t, "alma", nil, jobEnd)
		if got.code != http.StatusTooManyRequests || got.header.Get("Retry-After") != "100" {
			t.Errorf("answered %d, Retry-After %q", got.code, got.header.Get("Retry-After"))
		}
	}
	if n := len(b.stored()); n != 2 {
		t.Errorf("%d stored", n)
	}
}

func TestADuplicateIsAnsweredAsTheFirstAndCountedApart(t *testing.T) {
	t.Parallel()
	b := fakeBroker{publish: func(context.Context, event.Event) error { return fmt.Errorf("publish: %w", broker.ErrDuplicate) }}
	s := serve(t, every(t), &b)
	got := s.send(t, "alma", nil, jobEnd)
	if got.code != http.StatusOK || !strings.HasPrefix(got.body, `{"id":"`) {
		t.Errorf("answered %d %s", got.code, got.body)
	}
	if s.metric(t, "duplicates_total", "source", "alma") != 1 || s.metric(t, "accepted_total", "source", "alma") != 0 || s.metric(t, "duplicates_total", "source", "github") != 0 {
		t.Error("counted wrongly")
	}
	if lines := s.logs.All(); len(lines) != 1 || !strings.Contains(lines[0].Message, "duplicate") {
		t.Errorf("logged %v", lines)
	}
}
