// Package worker consumes the events of routes from the broker and calls the routes' handlers.
//
// Each delivery passes the route's filter, and then the route's handler under the route's timeout. One pure function
// turns the handler's result into an outcome: done, retry, dead letter or back to the queue. The broker carries the
// outcome out. Each delivery has one log line.
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

// abandonAfter is the time that a worker waits for a handler after the handler's context has ended.
const abandonAfter = 5 * time.Second

// Worker works on the events of its routes. Make it with New; Run it once.
type Worker struct {
	grace   time.Duration
	runners []*runner
}

// New returns a worker and registers its metrics with reg. It returns one error that names every mistake in cfg, or an
// error if reg has the metrics of another worker.
func New(cfg Config, consumer broker.Consumer, reg prometheus.Registerer, log *zap.Logger) (*Worker, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}
	inflights := map[string]*inflight{}
	for _, r := range cfg.Routes {
		inflights[r.Name] = newInflight()
	}
	metrics, err := newMetrics(reg, inflights)
	if err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}
	if cfg.Journal == nil {
		cfg.Journal = noJournal{}
	}
	w := &Worker{grace: cfg.Grace}
	for _, r := range cfg.Routes {
		breakers := newSourceBreakers(r)
		if err := metrics.addBreakers(reg, breakers); err != nil {
			return nil, fmt.Errorf("worker: %w", err)
		}
		w.runners = append(w.runners, &runner{
			route: r, matcher: broker.NewMatcher([]broker.Route{r.Route}), consumer: consumer, breakers: breakers,
			refused: &refusedLetters{route: r.Name}, inflight: inflights[r.Name], decoding: cfg.Decoding, journal: cfg.Journal, metrics: metrics, log: log.With(zap.String("route", r.Name)),
		})
	}
	return w, nil
}

// Run works on all routes at once until ctx ends. Then it stops in two steps. First it starts no more deliveries, and
// running handlers have Config.Grace to finish. After that their contexts end with ErrStopping as the cause, and their
// deliveries go back to the broker without counting as attempts.
//
// A route that cannot be consumed is logged, and the other routes continue; Run returns its error when all have ended.
// A handler that has not returned 5 seconds after the end of its context is abandoned. Run returns an error for it, and
// the broker delivers its event again.
func (w *Worker) Run(ctx context.Context) error {
	work, abandoned, end := stopInSteps(ctx, w.grace)
	errs := make([]error, len(w.runners))
	var routes sync.WaitGroup
	for i, r := range w.runners {
		routes.Go(func() { errs[i] = r.run(ctx, work, abandoned) })
	}
	routes.Wait()
	end()
	return errors.Join(errs...)
}

// Process carries out one delivery of the route that d names, for a host that brings deliveries itself. The host settles
// the delivery by the outcome. The end of ctx ends the handler's context with ErrStopping as the cause; the outcome of
// an interrupted handler is requeue. A handler that has not returned 5 seconds later is abandoned.
func (w *Worker) Process(ctx context.Context, d event.Delivery) (broker.Outcome, error) {
	for _, r := range w.runners {
		if r.route.Name == d.Route {
			work, abandoned, end := stopInSteps(ctx, 0)
			defer end()
			outcome, _ := r.process(context.WithoutCancel(ctx), work, d, abandoned)
			return outcome, nil
		}
	}
	return broker.Outcome{}, fmt.Errorf("worker: there is no route %q", d.Route)
}

// stopInSteps returns two signals that follow the end of ctx: after the grace, work ends with ErrStopping as the cause,
// and abandoned is closed abandonAfter later. Call end when every handler has returned or is abandoned.
func stopInSteps(ctx context.Context, grace time.Duration) (work context.Context, abandoned <-chan struct{}, end func()) {
	work, interrupt := context.WithCancelCause(context.WithoutCancel(ctx))
	left, ended := make(chan struct{}), make(chan struct{})
	release := context.AfterFunc(ctx, func() {
		if elapse(grace, ended) {
			interrupt(ErrStopping)
		}
		if elapse(abandonAfter, ended) {
			close(left)
		}
	})
	return work, left, func() {
		close(ended)
		release()
		interrupt(nil)
	}
}

// elapse waits for d. It returns false if ended is closed before.
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
