package worker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
)

// runner works on the deliveries of one route.
type runner struct {
	route    Route
	consumer broker.Consumer
	breaker  breaker
	hand     *hand
	metrics  *metrics
	log      *zap.Logger
}

var (
	errAbandoned = errors.New("handler did not return though its context had ended")
	errExited    = errors.New("handler ended its goroutine instead of returning")
	errStillRuns = errors.New("an earlier attempt's handler still runs, though its context had ended")
	errCrashed   = errors.New("the process that had the event in hand died, or lost its line, before it said what became of it")
)

// process takes one delivery to its outcome. work ends when running handlers shall, with the reason as its cause;
// abandoned is closed when they are not waited for any longer.
func (r *runner) process(ctx, work context.Context, d event.Delivery, abandoned <-chan struct{}) (broker.Outcome, health) {
	r.hand.take(&d)
	defer r.hand.give(&d)
	started := time.Now()
	res := r.try(ctx, work, d, abandoned)
	o := outcome(res, d.Attempt, r.route.Retry, rand.Float64())
	r.report(d, res, o, time.Since(started))
	return o, healthOf(res, o)
}

func (r *runner) try(ctx, work context.Context, d event.Delivery, abandoned <-chan struct{}) result {
	if r.route.Where != nil {
		if chosen, err := r.route.Where.Match(d); err != nil || !chosen {
			return result{filtered: err == nil, err: err}
		}
	}
	switch {
	case d.Redelivered:
		return result{err: errCrashed}
	case r.hand.stillRuns(d.Event):
		return result{err: errStillRuns, cause: errTimeout}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(work, func() { cancel(context.Cause(work)) })()
	ctx, expire := context.WithTimeoutCause(ctx, r.route.Timeout, errTimeout)
	defer expire()

	started := time.Now()
	defer func() { r.metrics.seconds.WithLabelValues(r.route.Name).Observe(time.Since(started).Seconds()) }()
	done := call(ctx, r.route.Handler, d)
	overdue := time.NewTimer(r.route.Timeout + abandonAfter)
	defer overdue.Stop()
	select {
	case err := <-done:
		return result{err: err, cause: context.Cause(ctx)}
	case <-overdue.C:
	case <-abandoned:
	}
	r.leave(d.Event, done)
	return result{err: errAbandoned, cause: context.Cause(ctx)}
}

// call starts the handler in its own goroutine, so that one that never returns can be left behind.
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

// leave lets a call go on by itself. Its event is not tried again in this process before it has returned.
func (r *runner) leave(e event.Event, done <-chan error) {
	r.hand.leave(e, 1)
	go func() {
		err := <-done
		r.hand.leave(e, -1)
		r.log.Warn("handler returned after it had been left behind", zap.String("id", e.ID), zap.String("said", said(err)))
	}()
}

// said is what a handler returned, as a log may have it.
func said(err error) string {
	if err == nil {
		return outcomeDone
	}
	return handler.LogText(err)
}

// leftBehind is an error if handlers of the route still run.
func (r *runner) leftBehind() error {
	if n := r.hand.leftBehind(); n > 0 {
		return fmt.Errorf("route %s: %v handler calls ignored the end of their context and were left behind; their events come again", r.route.Name, n)
	}
	return nil
}

// report counts the outcome and writes the delivery's one log line.
func (r *runner) report(d event.Delivery, res result, o broker.Outcome, took time.Duration) {
	name, what := r.route.Name, label(res, o)
	r.metrics.deliveries.WithLabelValues(name, what).Inc()
	if o.Reason != "" {
		r.metrics.failures.WithLabelValues(name, o.Reason).Inc()
	}
	if what == outcomeDone || what == outcomeDead {
		r.metrics.attempts.WithLabelValues(name).Observe(float64(d.Attempt))
	}

	fields := []zap.Field{
		zap.String("id", d.Event.ID), zap.String("source", d.Event.Source), zap.String("action", d.Event.Action),
		zap.Int("attempt", d.Attempt), zap.String("outcome", what), zap.Duration("duration", took),
	}
	if o.Reason != "" {
		fields = append(fields, zap.String("reason", o.Reason))
	}
	if res.err != nil {
		fields = append(fields, zap.String("error", handler.LogText(res.err)))
	}
	var panicked *panicError
	if errors.As(res.err, &panicked) {
		fields = append(fields, zap.ByteString("stack", panicked.stack))
	}
	if what == outcomeRetried {
		fields = append(fields, zap.Duration("retry_in", o.After))
	}
	r.log.Log(level(what), "delivery "+what, fields...)
}

func level(outcome string) zapcore.Level {
	switch outcome {
	case outcomeRetried:
		return zapcore.WarnLevel
	case outcomeDead:
		return zapcore.ErrorLevel
	}
	return zapcore.InfoLevel
}
