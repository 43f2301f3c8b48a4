package worker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/jsonbody"
)

// runner works on the deliveries of one route.
type runner struct {
	route    Route
	matcher  *broker.Matcher // of the route
	consumer broker.Consumer
	breakers *sourceBreakers
	refused  *refusedLetters
	inflight *inflight
	decoding *jsonbody.Budget // of the process
	journal  Journal
	metrics  *metrics
	log      *zap.Logger
}

var (
	errAbandoned = errors.New("the handler did not return after the end of its context")
	errExited    = errors.New("the handler ended its goroutine instead of returning")
	errStillRuns = errors.New("the handler of an earlier attempt still runs after the end of its context")
	errNoMatch   = errors.New("the route's match no longer has this event: replay it after you have widened match, or discard it")
	errCrashed   = errors.New("the worker process or its connection to the broker ended during the attempt")
)

// processFunc processes one delivery. It returns the outcome for the broker, and the outcome's meaning for the route.
type processFunc func(ctx context.Context, d event.Delivery) (broker.Outcome, attemptHealth)

// run works on the route until ctx ends; see process for work and abandoned.
func (r *runner) run(ctx, work context.Context, abandoned <-chan struct{}) error {
	err := r.consume(ctx, func(ctx context.Context, d event.Delivery) (broker.Outcome, attemptHealth) {
		return r.process(ctx, work, d, abandoned)
	})
	if err != nil {
		err = fmt.Errorf("route %s: cannot be consumed: %w", r.route.Name, err)
		r.log.Error("the route has stopped; the other routes continue", zap.Error(err))
	}
	return errors.Join(err, r.abandonedCalls())
}

// consume works on the route until ctx ends. While all its sources are paused, it fetches nothing; after each pause it works
// on one event at a time, until the handler has done one.
func (r *runner) consume(ctx context.Context, do processFunc) error {
	for {
		n, wait := r.breakers.next(r.route.Concurrency)
		if !elapse(wait, ctx.Done()) {
			return nil
		}
		if err := r.consumeRound(ctx, n, do); err != nil || ctx.Err() != nil {
			return err
		}
	}
}

// consumeRound works on up to concurrency events at once until ctx ends, or until the breakers ask for a wait or for another
// concurrency.
func (r *runner) consumeRound(ctx context.Context, concurrency int, do processFunc) error {
	round, end := context.WithCancel(ctx)
	defer end()
	route := r.route.Route
	route.Concurrency = concurrency
	return r.consumer.Consume(round, route, func(ctx context.Context, d event.Delivery) broker.Outcome {
		o := r.guard(ctx, d, do)
		if n, wait := r.breakers.next(r.route.Concurrency); n != concurrency || wait > 0 {
			end()
		}
		return o
	})
}

// guard postpones a delivery of a paused source, and lets do work on each other one.
func (r *runner) guard(ctx context.Context, d event.Delivery, do processFunc) broker.Outcome {
	if d.GivenUp {
		return r.giveUpAgain(d)
	}
	if d.Redelivered { // its handler is not called
		o, _ := do(ctx, d)
		return o
	}
	admitted := r.breakers.admit(d.Event)
	source := r.breakers.label(d.Event.Source)
	if admitted.wait > 0 {
		r.metrics.postponed.WithLabelValues(r.route.Name, source).Inc()
		return broker.Postpone(admitted.wait)
	}
	o, h := do(ctx, d)
	c, took := r.breakers.record(d.Event, admitted, h, o)
	r.report(c, source, took, o)
	return o
}

// report logs and counts the begin and the end of a pause.
func (r *runner) report(c change, source string, took time.Duration, o broker.Outcome) {
	log := r.log.With(zap.String("source", source))
	switch c {
	case sourcePaused:
		log.Warn("route paused for a source because its events fail; they wait", zap.Duration("one_is_tried_in", took),
			zap.String("reason", o.Reason), zap.String("error", errorText(o.Err)))
		r.metrics.pauses.WithLabelValues(r.route.Name).Inc()
	case sourceResumed:
		log.Info("route resumed for a source", zap.Duration("paused_for", took))
	case unchanged:
	}
}

// process carries out one delivery and records the attempt. The end of work ends the handler's context, with the same
// cause. The close of abandoned ends the wait for a handler that ignores this.
func (r *runner) process(ctx, work context.Context, d event.Delivery, abandoned <-chan struct{}) (broker.Outcome, attemptHealth) {
	r.inflight.add(&d)
	defer r.inflight.remove(&d)
	start := time.Now()
	res := r.try(ctx, work, d, abandoned)
	o := outcome(res, d.Attempt, r.route.Retry, rand.Float64())
	attempt := newAttempt(r.route.Name, d, start, res, o)
	attempt.count(r.metrics)
	attempt.log(r.log)
	r.journal.Ended(attempt)
	if o.Verdict == broker.VerdictDead {
		o.Settled = r.settled(d)
	}
	return o, healthOf(res, o)
}

// giveUpAgain gives up an event whose dead letter was refused.
func (r *runner) giveUpAgain(d event.Delivery) broker.Outcome {
	o := broker.GiveUp("", nil) // the broker keeps the reason from before
	o.Settled = r.settled(d)
	return o
}

// settled returns the function that counts the dead letter of a delivery when it is stored, or its refusal.
func (r *runner) settled(d event.Delivery) func(refused error) {
	return func(refused error) {
		r.refused.set(refused)
		if refused != nil {
			r.metrics.refused.WithLabelValues(r.route.Name).Inc()
			return
		}
		r.metrics.deliveries.WithLabelValues(r.route.Name, outcomeDead).Inc()
		r.metrics.attempts.WithLabelValues(r.route.Name).Observe(float64(d.Attempt))
	}
}

// try calls the handler if match and filter choose the event and the handler may be called now.
func (r *runner) try(ctx, work context.Context, d event.Delivery, abandoned <-chan struct{}) result {
	if r.matcher.Match(d.Event.Key()) == nil {
		return result{err: errNoMatch}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(work, func() { cancel(context.Cause(work)) })()
	ctx, expire := context.WithTimeoutCause(ctx, r.route.Timeout, errTimeout)
	defer expire()
	if !r.route.Where.IsZero() {
		if chosen, err := r.route.Where.match(ctx, d, r.decoding); err != nil || !chosen {
			return result{filtered: err == nil, err: err, cause: context.Cause(ctx)}
		}
	}
	switch {
	case d.Redelivered:
		return result{err: errCrashed}
	case r.inflight.hasAbandoned(d.Event):
		return result{err: errStillRuns, cause: errTimeout}
	}

	start := time.Now()
	err := r.handle(ctx, d, abandoned)
	return result{called: true, handling: time.Since(start), err: err, cause: context.Cause(ctx)}
}

// handle calls the handler and waits for it, at most until abandonAfter beyond the route's timeout.
func (r *runner) handle(ctx context.Context, d event.Delivery, abandoned <-chan struct{}) error {
	done := call(ctx, r.route.Handler, d)
	overdue := time.NewTimer(r.route.Timeout + abandonAfter)
	defer overdue.Stop()
	select {
	case err := <-done:
		return err
	case <-overdue.C:
	case <-abandoned:
	}
	r.abandon(d.Event, done)
	return errAbandoned
}

// call starts the handler in a goroutine, so that the runner can abandon it.
func call(ctx context.Context, h handler.Handler, d event.Delivery) <-chan error {
	done := make(chan error, 1)
	go func() {
		err := errExited
		defer func() {
			if value := recover(); value != nil {
				err = &panicError{value, debug.Stack()}
			}
			done <- err
		}()
		err = h.Handle(ctx, d)
	}()
	return done
}

// abandon lets a call run on. Until it returns, further attempts of its event fail and are retried.
func (r *runner) abandon(e event.Event, done <-chan error) {
	r.inflight.abandon(e, 1)
	go func() {
		err := <-done
		r.inflight.abandon(e, -1)
		text := outcomeDone
		if err != nil {
			text = handler.LogText(err)
		}
		r.log.Warn("an abandoned handler has returned", zap.String("id", e.ID), zap.String("said", text))
	}()
}

// abandonedCalls returns an error if abandoned calls of the route's handler still run.
func (r *runner) abandonedCalls() error {
	if n := r.inflight.abandonedCalls(); n > 0 {
		return fmt.Errorf("route %s: %v handler calls ignored the end of their context and were abandoned; the broker delivers their events again", r.route.Name, n)
	}
	return nil
}
