package worker

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// try takes one delivery to its outcome, and says what that tells about the route.
type try func(ctx context.Context, d event.Delivery) (broker.Outcome, health)

// consume works on the route until ctx ends: on everything until the breaker trips; then on one event after each pause,
// until one is done.
func (r *runner) consume(ctx context.Context, try try) error {
	for {
		r.breaker.forget()
		tripped, err := r.consumeUntil(ctx, r.route.Concurrency, try, r.breaker.trips)
		if !tripped || err != nil {
			return err
		}
		if resumed, err := r.pause(ctx, try); !resumed || err != nil {
			return err
		}
	}
}

// pause lets the route's events wait. It is false when ctx ended before the route resumed.
func (r *runner) pause(ctx context.Context, try try) (resumed bool, err error) {
	began, wait := time.Now(), r.route.Pause.First
	r.log.Warn("route paused: its events fail, so they wait in the queue", zap.Duration("one_is_tried_in", wait))
	r.metrics.paused.WithLabelValues(r.route.Name).Set(1)
	r.metrics.pauses.WithLabelValues(r.route.Name).Inc()
	for ; ; wait = min(2*wait, r.route.Pause.Max) {
		if !elapse(wait, ctx.Done()) {
			return false, nil
		}
		good := false
		tried, err := r.consumeUntil(ctx, 1, try, func(_ event.Event, h health) bool {
			good = h == healthGood
			return h != healthUnknown
		})
		switch {
		case !tried || err != nil:
			return false, err
		case good:
			r.metrics.paused.WithLabelValues(r.route.Name).Set(0)
			r.log.Info("route resumed", zap.Duration("paused_for", time.Since(began)))
			return true, nil
		}
	}
}

// consumeUntil works on at so many events at once until enough says so of one. It is false when it ended otherwise.
func (r *runner) consumeUntil(ctx context.Context, at int, try try, enough func(event.Event, health) bool) (bool, error) {
	round, end := context.WithCancel(ctx)
	defer end()
	route := r.route.Route
	route.Concurrency = at
	err := r.consumer.Consume(round, route, func(ctx context.Context, d event.Delivery) broker.Outcome {
		o, h := try(ctx, d)
		if enough(d.Event, h) {
			end()
		}
		return o
	})
	return round.Err() != nil && ctx.Err() == nil, err
}
