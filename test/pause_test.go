package test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
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
	route.Retry = worker.Retry{Attempts: 3, First: 100 * time.Millisecond, Max: 100 * time.Millisecond}
	route.Pause = worker.Pause{Ratio: 0.8, Of: 10, First: 500 * time.Millisecond, Max: time.Second}
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
			keepsEventsWhileTheTargetFails(t, b, route)
		})
	}
}

func keepsEventsWhileTheTargetFails(t *testing.T, b broker.Broker, r worker.Route) {
	t.Helper()
	const events = 200
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for i := range events {
		e := event.Event{ID: fmt.Sprint(i), Source: "alma", Action: "job_end", Time: time.Now().UTC()}
		if err := b.Publish(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
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
	w, err := worker.New(worker.Config{Routes: []worker.Route{r}, Grace: time.Second}, b, prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	working, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- w.Run(working) }()
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
	if err := <-ended; err != nil {
		t.Error(err)
	}
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
