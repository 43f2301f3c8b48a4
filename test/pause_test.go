package test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/test/rabbitnode"
	"github.com/hookline/hookline/worker"
)

// TestAFailingTargetDrainsNoQueueOnEitherBroker repeats a test of package worker in seconds and with real brokers. Without
// pauses every event would be dead after 300 ms.
func TestAFailingTargetDrainsNoQueueOnEitherBroker(t *testing.T) {
	t.Parallel()
	route := worker.Defaults()
	route.Name, route.Match, route.Concurrency = "forward", []string{"#"}, 4
	route.Sources = []string{"alma"}
	route.Retry = worker.Retry{Attempts: 3, First: 100 * time.Millisecond, Max: 100 * time.Millisecond}
	route.Pause = worker.Pause{Ratio: 0.8, Of: 10, First: 500 * time.Millisecond, Max: time.Second}
	onEachBroker(t, route, keepsEventsWhileTheTargetFails)
}

// TestABadSourceStopsNoOtherOnEitherBroker has the pauses of the defaults: without a breaker for each source, the good events
// would wait for hours behind the bad ones.
func TestABadSourceStopsNoOtherOnEitherBroker(t *testing.T) {
	t.Parallel()
	route := worker.Defaults()
	route.Name, route.Match, route.Sources = "forward", []string{"#"}, []string{"bad", "good"}
	for name, err := range map[string]error{
		"permanent": handler.Permanent(errors.New("400 Bad Request")), "error": errors.New("503 Service Unavailable"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEachBroker(t, route, func(t *testing.T, b broker.Broker, r worker.Route) {
				t.Helper()
				good := make(chan struct{}, 5)
				r.Handler = handler.Func(func(_ context.Context, d event.Delivery) error {
					if d.Event.Source == "bad" {
						return err
					}
					good <- struct{}{}
					return nil
				})
				ctx := publishFrom(t, b, "bad", 100)
				publishFrom(t, b, "good", 5)
				workUntilTheEnd(t, b, r)
				for i := range 5 {
					select {
					case <-good:
					case <-ctx.Done():
						t.Fatalf("%d of 5 good events are handled", i)
					}
				}
			})
		})
	}
}

// onEachBroker runs a test on a new broker of each kind.
func onEachBroker(t *testing.T, route worker.Route, hold func(*testing.T, broker.Broker, worker.Route)) {
	t.Helper()
	for name, open := range map[string]func(t *testing.T) (broker.Broker, error){
		"embedded": func(t *testing.T) (broker.Broker, error) {
			cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{route.Route}}
			return embedded.Open(cfg, prometheus.NewRegistry(), zap.NewNop())
		},
		"rabbitmq": func(t *testing.T) (broker.Broker, error) {
			cfg := rabbitmq.Config{URLs: []string{rabbitnode.URL(t)}, Routes: []broker.Route{route.Route}}
			return rabbitmq.Open(cfg, prometheus.NewRegistry(), zap.NewNop())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := open(t)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = b.Close(context.Background()) })
			hold(t, b, route)
		})
	}
}

// publishFrom publishes n events of a source. The returned context bounds the wait for them.
func publishFrom(t *testing.T, b broker.Broker, source string, n int) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	for i := range n {
		e := event.Event{ID: fmt.Sprint(i), Source: source, Action: "job_end", Time: time.Now().UTC()}
		if err := b.Publish(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	return ctx
}

// workUntilTheEnd runs a worker on a route until the returned function is called, or until the test ends.
func workUntilTheEnd(t *testing.T, b broker.Broker, r worker.Route) (stop func()) {
	t.Helper()
	w, err := worker.New(worker.Config{Routes: []worker.Route{r}, Grace: time.Second}, b, prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	working, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(working) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func keepsEventsWhileTheTargetFails(t *testing.T, b broker.Broker, r worker.Route) {
	t.Helper()
	const events = 200
	ctx := publishFrom(t, b, "alma", events)
	well := time.Now().Add(5 * time.Second)
	var failed, done atomic.Int64
	r.Handler = handler.Func(func(context.Context, event.Delivery) error {
		if time.Now().Before(well) {
			failed.Add(1)
			return errors.New("connection refused")
		}
		done.Add(1)
		return nil
	})
	stop := workUntilTheEnd(t, b, r)
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for done.Load() < events {
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatalf("%d of %d events are done", done.Load(), events)
		}
	}
	stop()
	queues, err := b.Queues(ctx)
	for _, q := range queues {
		if q.Waiting > 0 {
			t.Errorf("%s holds %d", q.Name, q.Waiting)
		}
	}
	if n := failed.Load(); err != nil || n < 10 || n > 50 {
		t.Errorf("%d attempts failed, want few more than the 10 that pause the route: %v", n, err)
	}
}
