package worker_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/worker"
)

// A policy can bound the length of hookline.dead.ROUTE. The dead letters that it refuses were counted as stored.
func TestADeadLetterCountsWhenItIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const (
			dead    = `hookline_worker_deliveries_total{outcome="dead",route="r"}`
			refused = `hookline_worker_dead_letters_refused_total{route="r"}`
			tries   = `hookline_worker_attempts_count{route="r"}`
		)
		var calls atomic.Int64
		q := filled(1)
		q.refusals = 3
		b := work(t, q, route("r", func(context.Context, event.Delivery) error {
			calls.Add(1)
			return handler.Permanent(errors.New("no such record"))
		}))
		<-time.After(90 * time.Second) // the second try has been refused, too
		synctest.Wait()
		series := b.series(t)
		if series[dead] != 0 || series[refused] != 2 || series[tries] != 0 {
			t.Errorf("while the queue is full: %v", series)
		}
		shown := b.Paused()
		if len(shown) != 1 || shown[0].Reason != worker.ReasonRefused || time.Since(shown[0].Since) != 90*time.Second || !strings.Contains(shown[0].String(), "dead letters of route r wait") {
			t.Errorf("while the queue is full: %+v", shown)
		}
		<-time.After(2 * time.Minute)
		synctest.Wait()
		series = b.series(t)
		if series[dead] != 1 || series[refused] != 3 || series[tries] != 1 || series[`hookline_worker_failures_total{reason="permanent",route="r"}`] != 1 {
			t.Errorf("when there is room: %v", series)
		}
		if shown := b.Paused(); len(shown) != 0 || calls.Load() != 1 {
			t.Errorf("%d calls of the handler, and %+v", calls.Load(), shown)
		}
	})
}

func TestARefusalThatAnotherProcessEndsIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := filled(1)
		q.refusals = 1
		b := work(t, q, route("r", func(context.Context, event.Delivery) error { return handler.Permanent(errors.New("no such record")) }))
		<-time.After(time.Second)
		q.mu.Lock()
		q.waiting = nil // another process has it
		q.mu.Unlock()
		if len(b.Paused()) != 1 {
			t.Error("the refusal is not shown")
		}
		<-time.After(3 * time.Minute)
		if shown := b.Paused(); len(shown) != 0 {
			t.Errorf("%+v", shown)
		}
	})
}
