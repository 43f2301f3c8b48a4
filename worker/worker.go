// Package worker takes the events of routes from the line and hands them to handlers.
//
// A delivery goes through the route's filter, to its handler under the route's timeout, and one pure function turns
// what came back into the outcome that the line carries out. Every delivery leaves one log line.
package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// abandonAfter is how long a worker waits for handlers after their contexts ended.
const abandonAfter = 5 * time.Second

// Worker works on the events of its routes. Make it with New; Run it once.
type Worker struct {
	grace   time.Duration
	runners []*runner
}

// New checks cfg, naming everything that is wrong with it at once, and registers the worker's metrics with reg. It
// fails if reg has a worker's metrics already.
func New(cfg Config, consumer broker.Consumer, reg prometheus.Registerer, log *zap.Logger) (*Worker, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}
	hands := map[string]*hand{}
	for _, r := range cfg.Routes {
		hands[r.Name] = newHand()
	}
	metrics, err := newMetrics(reg, hands)
	if err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}
	w := &Worker{grace: cfg.Grace}
	for _, r := range cfg.Routes {
		w.runners = append(w.runners, &runner{
			route: r, consumer: consumer, breaker: breaker{Pause: r.Pause},
			hand: hands[r.Name], metrics: metrics, log: log.With(zap.String("route", r.Name)),
		})
	}
	return w, nil
}

// Run works on all routes at once until ctx ends, and then stops in two steps: no new deliveries are started and running
// handlers have the grace to finish; after it their contexts end with ErrStopping as the cause, and what they were
// doing goes back to the line without counting as an attempt.
//
// A route that cannot be consumed is logged and leaves the others alone; Run returns its error when all have ended.
// A handler that does not return even 5 seconds after its context ended is left behind, and is an error too: its
// event comes again.
func (w *Worker) Run(ctx context.Context) error {
	work, interrupt := context.WithCancelCause(context.WithoutCancel(ctx))
	defer interrupt(nil)
	abandoned, ended := make(chan struct{}), make(chan struct{})
	defer context.AfterFunc(ctx, func() {
		if elapse(w.grace, ended) {
			interrupt(ErrStopping)
		}
		if elapse(abandonAfter, ended) {
			close(abandoned)
		}
	})()

	errs := make([]error, len(w.runners))
	var routes sync.WaitGroup
	for i, r := range w.runners {
		routes.Go(func() { errs[i] = r.run(ctx, work, abandoned) })
	}
	routes.Wait()
	close(ended)
	return errors.Join(errs...)
}

// run works on the route until ctx ends; work and abandoned are process's.
func (r *runner) run(ctx, work context.Context, abandoned <-chan struct{}) error {
	err := r.consume(ctx, func(ctx context.Context, d event.Delivery) (broker.Outcome, health) {
		return r.process(ctx, work, d, abandoned)
	})
	if err != nil {
		err = fmt.Errorf("route %s: cannot be consumed: %w", r.route.Name, err)
		r.log.Error("a route is not worked on; the others go on", zap.Error(err))
	}
	return errors.Join(err, r.leftBehind())
}

// elapse waits for d, and is false if it ended before.
func elapse(d time.Duration, ended <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ended:
		return false
	}
}
