package worker_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/worker"
)

// addFrom adds n events of a source to the end of the queue.
func (q *fakeQueue) addFrom(source string, n, bytes int) {
	for i := range n {
		d := delivery("job_end", "")
		d.Event.Source, d.Event.ID, d.Event.Data = source, fmt.Sprint(source, i), make([]byte, bytes)
		q.waiting = append(q.waiting, waiting{Delivery: d})
	}
}

// failing returns a handler that fails for the events of a source, and counts the others.
func failing(source string, err error, others *atomic.Int64) handler.Func {
	return func(_ context.Context, d event.Delivery) error {
		if d.Event.Source == source {
			return err
		}
		others.Add(1)
		return nil
	}
}

func TestOneSourcesBadEventsDoNotStopTheOthers(t *testing.T) {
	for name, err := range map[string]error{
		"permanent": handler.Permanent(errors.New("400 Bad Request")), "error": errors.New("503 Service Unavailable"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := &fakeQueue{}
				q.addFrom("bad", 100, 10)
				q.addFrom("good", 5, 10)
				var good atomic.Int64
				r := route("r", failing("bad", err, &good))
				r.Sources = []string{"bad", "good", "idle"}
				b := work(t, q, r)
				synctest.Wait()
				if n := good.Load(); n != 5 {
					t.Errorf("%d of 5 good events are handled at once", n)
				}
				waiting, done, dead := q.count()
				if name == "permanent" && (done != 5 || dead != 100 || len(b.Paused()) != 0) {
					t.Errorf("%d done, %d dead, paused: %v", done, dead, b.Paused())
				}
				if name == "error" && (waiting != 100 || len(b.Paused()) != 1 || b.series(t)[`hookline_worker_source_paused{route="r",source="bad"}`] != 1) {
					t.Errorf("%d wait, paused: %v", waiting, b.Paused())
				}
			})
		})
	}
}

func TestAPausedSourceSaysWhyAndWhenItIsTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &fakeQueue{}
		q.addFrom("bad", 100, 10)
		var good atomic.Int64
		r := route("r", failing("bad", handler.Private(errors.New("exit status 1"), "patron 4711"), &good))
		r.Sources = []string{"bad", "good"}
		began := time.Now().UTC()
		b := work(t, q, r)
		<-time.After(15 * time.Second) // the first try is at 10 s, the second at 30 s
		want := worker.PausedSource{Route: "r", Source: "bad", Since: began, NextTry: began.Add(30 * time.Second), Reason: "error", Error: "exit status 1"}
		if got := b.Paused(); len(got) != 1 || got[0] != want {
			t.Errorf("paused: %+v, want %+v", got, want)
		}
		lines := b.logs.FilterMessageSnippet("route paused").FilterField(zap.String("source", "bad")).FilterField(zap.String("error", "exit status 1"))
		if lines.Len() != 1 {
			t.Errorf("log: %v", b.logs.All())
		}
	})
}

// A queue's order must not let the events of one paused source hide those of another that is well again.
func TestEachSourceIsTriedOnItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &fakeQueue{}
		for range 3 {
			q.addFrom("bad", 30, 10)
			q.addFrom("ill", 30, 10)
		}
		began := time.Now()
		var well atomic.Int64
		r := route("r", func(_ context.Context, d event.Delivery) error {
			if d.Event.Source == "ill" && time.Since(began) > 5*time.Second {
				well.Add(1)
				return nil
			}
			return errors.New("connection refused")
		})
		r.Sources = []string{"bad", "ill"}
		b := work(t, q, r)
		<-time.After(4 * time.Second)
		if len(b.Paused()) != 2 {
			t.Fatalf("paused: %v", b.Paused())
		}
		<-time.After(30 * time.Second)
		if n := well.Load(); n != 90 {
			t.Errorf("%d of 90 events of the healthy source are handled", n)
		}
		if got := b.Paused(); len(got) != 1 || got[0].Source != "bad" {
			t.Errorf("paused: %v", got)
		}
	})
}

// Each postponed event is written again, so a route rests after many of them.
func TestPostponedEventsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &fakeQueue{}
		q.addFrom("bad", 300, 1<<20)
		q.addFrom("good", 5, 10)
		var good atomic.Int64
		r := route("r", failing("bad", errors.New("refused"), &good))
		r.Sources = []string{"bad", "good"}
		b := work(t, q, r)
		synctest.Wait()
		const postponed = `hookline_worker_postponed_total{route="r",source="bad"}`
		if n := b.series(t)[postponed]; n < 200 || n > 260 || good.Load() != 0 {
			t.Errorf("%v of 300 MiB are postponed at once, and %d good events are handled", n, good.Load())
		}
		<-time.After(11 * time.Second)
		if good.Load() != 5 {
			t.Errorf("%d of 5 good events are handled after the rest", good.Load())
		}
	})
}

func TestASingleSourceIsNotPostponed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &fakeQueue{}
		q.addFrom("bad", 1000, 10)
		var others atomic.Int64
		r := route("r", failing("bad", errors.New("refused"), &others))
		r.Sources = []string{"bad"}
		b := work(t, q, r)
		<-time.After(time.Hour)
		if n := b.series(t)[`hookline_worker_postponed_total{route="r",source="bad"}`]; n > 4 {
			t.Errorf("%v events are postponed", n)
		}
	})
}
