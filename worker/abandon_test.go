package worker_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/worker"
)

const abandoned = `hookline_worker_left_behind{route="r"}`

func TestHandlerThatNeverReturnsDoesNotStopItsRoute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		giveIn := make(chan struct{})
		r := route("r", func(_ context.Context, d event.Delivery) error {
			if d.Event.ID < "4" { // as many as there are places
				calls.Add(1)
				<-giveIn
			}
			return nil
		})
		r.Concurrency, r.Timeout, r.Retry = 4, 10*time.Second, worker.Retry{Attempts: 3, First: time.Second, Max: time.Second}
		q := filled(10)
		b := work(t, q, r)
		<-time.After(time.Minute)
		synctest.Wait()
		if waiting, done, dead := q.count(); waiting != 0 || done != 6 || dead != 4 {
			t.Errorf("%d wait, %d are done, %d dead; want 0, 6, 4", waiting, done, dead)
		}
		for _, d := range q.dead {
			if d.Attempt != 3 {
				t.Errorf("event %s died at attempt %d", d.Event.ID, d.Attempt)
			}
		}
		series := b.series(t)
		if calls.Load() != 4 || series[abandoned] != 4 {
			t.Errorf("%d calls for 4 events, %v abandoned: one call has to end before the next", calls.Load(), series[abandoned])
		}
		if n := series[`hookline_worker_failures_total{reason="timeout",route="r"}`]; n != 12 {
			t.Errorf("%v attempts of 12 ended by timeout", n)
		}
		close(giveIn)
		synctest.Wait()
		if n := b.series(t)[abandoned]; n != 0 {
			t.Errorf("%v abandoned after all have returned", n)
		}
	})
}

func TestAnEventIsTriedAgainAfterItsLateCallHasReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		r := route("r", func(context.Context, event.Delivery) error {
			if calls.Add(1) == 1 {
				<-time.After(20 * time.Second)
				return errors.New("too late")
			}
			return nil
		})
		r.Timeout, r.Retry = 10*time.Second, worker.Retry{Attempts: 3, First: 10 * time.Second, Max: 10 * time.Second}
		q := filled(1)
		work(t, q, r)
		<-time.After(time.Minute)
		if _, done, _ := q.count(); done != 1 || calls.Load() != 2 || q.done[0].Attempt != 2 {
			t.Errorf("%d done, %d calls", done, calls.Load())
		}
	})
}
