package worker_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
)

func TestAHostProcessesOneDeliveryAtATime(t *testing.T) {
	for name, c := range map[string]struct {
		handle  handler.Func
		verdict broker.Verdict
	}{
		"done":      {succeed, broker.VerdictAck},
		"failed":    {func(context.Context, event.Delivery) error { return errors.New("busy") }, broker.VerdictRetry},
		"permanent": {func(context.Context, event.Delivery) error { return handler.Permanent(errors.New("gone")) }, broker.VerdictDead},
		"interrupted by the end of the host's context": {func(ctx context.Context, _ event.Delivery) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}, broker.VerdictRequeue},
		"abandoned": {func(context.Context, event.Delivery) error {
			<-time.After(time.Hour)
			return nil
		}, broker.VerdictRequeue},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := route("r", c.handle)
				r.Timeout = time.Minute
				b := newBench(t, &fakeBroker{}, r)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				start := time.Now()
				if o, err := b.Process(ctx, delivery("job_end", "")); err != nil || o.Verdict != c.verdict {
					t.Errorf("%+v, %v; want verdict %v", o, err, c.verdict)
				}
				if took := time.Since(start); took > 15*time.Second {
					t.Errorf("it took %v", took)
				}
				<-time.After(2 * time.Hour) // the abandoned handler returns
			})
		})
	}
}

func TestADeliveryOfAnotherRouteIsAnError(t *testing.T) {
	t.Parallel()
	b := newBench(t, &fakeBroker{}, route("other", succeed))
	if _, err := b.Process(t.Context(), delivery("job_end", "")); err == nil {
		t.Error("no error")
	}
}
