package worker_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/worker"
)

const (
	paused = `hookline_worker_paused{route="r"}`
	pauses = `hookline_worker_pauses_total{route="r"}`
)

func filled(n int) *fakeQueue {
	q := &fakeQueue{}
	for i := range n {
		d := delivery("job_end", "{}")
		d.Event.ID = fmt.Sprint(i)
		q.waiting = append(q.waiting, waiting{Delivery: d})
	}
	return q
}

// work runs a worker on the queue until the test ends.
func work(t *testing.T, q *fakeQueue, r worker.Route) bench {
	t.Helper()
	b := newBench(t, q, r)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestABadHourDoesNotDrainAQueueIntoDeadLetters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const events = 1000
		var tries, atOnce, most atomic.Int64
		well := time.Now().Add(time.Hour)
		q := filled(events)
		r := route("r", func(context.Context, event.Delivery) error {
			tries.Add(1)
			most.Store(max(most.Load(), atOnce.Add(1)))
			defer atOnce.Add(-1)
			<-time.After(100 * time.Millisecond)
			if time.Now().Before(well) {
				return errors.New("connection refused")
			}
			return nil
		})
		r.Concurrency, r.Retry = 8, worker.Retry{Attempts: 3, First: time.Second, Max: time.Second} // an hour is 1,000 times that
		b := work(t, q, r)

		<-time.After(time.Minute)
		most.Store(0)
		if series := b.series(t); series[paused] != 1 || series[pauses] != 1 {
			t.Errorf("after a minute: %v", series)
		}
		<-time.After(58 * time.Minute)
		synctest.Wait()
		if n := tries.Load(); n > 50 || most.Load() > 1 {
			t.Errorf("%d tries within the bad hour, %d at once in its pauses", n, most.Load())
		}
		if _, done, dead := q.count(); dead > 0 || done > 0 {
			t.Errorf("%d are dead, %d are done within the bad hour", dead, done)
		}
		<-time.After(20 * time.Minute)
		synctest.Wait()
		if _, done, dead := q.count(); done != events || dead > 0 {
			t.Errorf("at the end %d events are done, %d dead, of %d", done, dead, events)
		}
		if series := b.series(t); series[paused] != 0 || series[pauses] != 1 {
			t.Errorf("at the end: %v", series)
		}
		if p, r := b.logs.FilterMessageSnippet("route paused").Len(), b.logs.FilterMessageSnippet("route resumed").Len(); p != 1 || r != 1 {
			t.Errorf("%d lines say that it paused, %d that it resumed", p, r)
		}
		if most.Load() < 8 {
			t.Errorf("at most %d at once after it resumed", most.Load())
		}
	})
}

func TestPausesGrowToTheirLimitAndBeginAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries atomic.Int64
		tried := make(chan time.Time, 1000)
		r := route("r", func(context.Context, event.Delivery) error {
			tried <- time.Now()
			if n := tries.Add(1); n == 8 || n == 9 {
				return nil
			}
			return errors.New("connection refused")
		})
		r.Concurrency, r.Pause = 1, worker.Pause{Ratio: 1, Of: 3, First: 10 * time.Second, Max: 30 * time.Second}
		work(t, filled(100), r)
		began := time.Now()
		for i, want := range []time.Duration{0, 0, 0, 10, 30, 60, 90, 120, 120, 120, 120, 120, 130, 150} {
			if at := (<-tried).Sub(began); at != want*time.Second {
				t.Errorf("try %d after %v, want %d s", i+1, at, want)
			}
		}
	})
}

func TestFilteredEventsPassAProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := filled(0)
		for i, body := range []string{`{"a":1}`, `{"a":1}`, `{"a":0}`, `{"a":0}`, `{"a":0}`, `{"a":1}`, `{"a":1}`} {
			d := delivery("job_end", body)
			d.Event.ID = fmt.Sprint(i)
			q.waiting = append(q.waiting, waiting{Delivery: d})
		}
		var calls atomic.Int64
		r := route("r", func(context.Context, event.Delivery) error {
			if calls.Add(1) <= 2 {
				return errors.New("no")
			}
			return nil
		})
		r.Where = filter(t, "data.a == 1")
		r.Concurrency, r.Pause = 1, worker.Pause{Ratio: 1, Of: 2, First: time.Minute, Max: time.Hour}
		r.Retry.Attempts = 1
		b := work(t, q, r)
		<-time.After(30 * time.Second)
		if _, done, _ := q.count(); done != 0 {
			t.Errorf("%d are done in the pause", done)
		}
		<-time.After(time.Minute)
		if _, done, dead := q.count(); done != 5 || dead != 2 || b.series(t)[paused] != 0 {
			t.Errorf("%d done, %d dead: %v", done, dead, b.series(t))
		}
	})
}

func TestAPausedRouteStopsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := route("r", func(context.Context, event.Delivery) error { return errors.New("no") })
		q := filled(100)
		b := work(t, q, r)
		<-time.After(time.Second)
		if b.series(t)[paused] != 1 {
			t.Error("it is not paused")
		}
		began := time.Now()
		t.Cleanup(func() { // after the worker's end
			if took := time.Since(began); took != 0 {
				t.Errorf("the stop took %v", took)
			}
			if waiting, _, _ := q.count(); waiting != 100 {
				t.Errorf("%d of 100 events wait", waiting)
			}
		})
	})
}
