package worker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/hookline/hookline/pkg/broker"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
)

// runner works on the deliveries of one route.
type runner struct {
	route   Route
	hand    *hand
	metrics *metrics
	log     *zap.Logger
	left    atomic.Int64 // handlers that ignored the end of their context
}

var (
	errAbandoned = errors.New("handler did not return though its context had ended")
	errExited    = errors.New("handler ended its goroutine instead of returning")
)

// process takes one delivery to its outcome. work ends when running handlers shall, with the reason as its cause;
// abandoned is closed when they are not waited for any longer.
func (r *runner) process(ctx, work context.Context, d event.Delivery, abandoned <-chan struct{}) broker.Outcome {
	r.hand.take(&d)
	defer r.hand.give(&d)
	started := time.Now()
	res := r.try(ctx, work, d, abandoned)
	o := outcome(res, d.Attempt, r.route.Retry, rand.Float64())
	r.report(d, res, o, time.Since(started))
	return o
}

func (r *runner) try(ctx, work context.Context, d event.Delivery, abandoned <-chan struct{}) result {
	if r.route.Where != nil {
		if chosen, err := r.route.Where.Match(d); err != nil || !chosen {
			return result{filtered: err == nil, err: err}
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(work, func() { cancel(context.Cause(work)) })()
	ctx, expire := context.WithTimeoutCause(ctx, r.route.Timeout, errTimeout)
	defer expire()

	started := time.Now()
	defer func() { r.metrics.seconds.WithLabelValues(r.route.Name).Observe(time.Since(started).Seconds()) }()
	select {
	case err := <-call(ctx, r.route.Handler, d):
		return result{err: err, cause: context.Cause(ctx)}
	case <-abandoned:
		r.left.Add(1)
		return result{err: errAbandoned, cause: ErrStopping}
	}
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

// leftBehind is an error if handlers of the route still run.
func (r *runner) leftBehind() error {
	if n := r.left.Load(); n > 0 {
		return fmt.Errorf("route %s: %d handler calls ignored the end of their context and were left behind; their events come again", r.route.Name, n)
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
		fields = append(fields, zap.String("error", res.err.Error()))
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
