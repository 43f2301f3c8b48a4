package worker_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/worker"
)

func TestStop(t *testing.T) {
	sleep := func(ctx context.Context, d time.Duration) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	for name, c := range map[string]struct {
		handle  func(context.Context, event.Delivery) error
		verdict broker.Verdict
		took    time.Duration
		err     string
	}{
		"waits for a handler that ends within the grace": {
			func(ctx context.Context, _ event.Delivery) error { return sleep(ctx, 15*time.Second) }, broker.VerdictAck, 14 * time.Second, ""},
		"then ends the context, and the event goes back": {
			func(ctx context.Context, _ event.Delivery) error {
				err := sleep(ctx, time.Minute)
				if !errors.Is(err, worker.ErrStopping) {
					panic(err)
				}
				return err
			}, broker.VerdictRequeue, 20 * time.Second, ""},
		"counts late work as done": {
			func(ctx context.Context, _ event.Delivery) error { _ = sleep(ctx, time.Minute); return nil }, broker.VerdictAck, 20 * time.Second, ""},
		"does not wait for ever": {
			func(context.Context, event.Delivery) error { return sleep(context.Background(), time.Hour) }, broker.VerdictRequeue, 25 * time.Second, "route slow: 1 handler"},
		"keeps a timeout a timeout": {
			func(ctx context.Context, _ event.Delivery) error {
				<-ctx.Done()
				return context.Cause(ctx)
			}, broker.VerdictRetry, 9 * time.Second, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := &fakeBroker{deliveries: map[string][]event.Delivery{"slow": {delivery("a", "")}, "quick": {delivery("a", "")}}}
				slow := route("slow", c.handle)
				slow.Timeout = time.Minute
				if strings.Contains(name, "timeout") {
					slow.Timeout = 10 * time.Second
				}
				b := newBench(t, fake, slow, route("quick", succeed))
				took, err := b.runFor(time.Second)
				if took != c.took {
					t.Errorf("the stop took %v", took)
				}
				if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
					t.Errorf("Run: %v", err)
				}
				if o := fake.outcomes["slow"]; len(o) != 1 || o[0].Verdict != c.verdict {
					t.Errorf("outcomes %+v", o)
				}
				if o := fake.outcomes["quick"]; len(o) != 1 || o[0].Verdict != broker.VerdictAck {
					t.Errorf("the neighbour's outcomes %+v", o)
				}
				<-time.After(time.Hour) // an abandoned handler may still return
			})
		})
	}
}
