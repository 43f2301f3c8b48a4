package worker

import (
	"errors"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
)

// Attempt describes one attempt after it has ended. The attempt's log line, its metrics and its record in the journal are made from it.
type Attempt struct {
	Delivery event.Delivery
	Start    time.Time     // when the worker received the delivery
	Duration time.Duration // from Start to the outcome
	Called   bool          // the handler was called
	Handling time.Duration // time in the handler
	Outcome  string        // done, filtered, retried, dead or requeued
	Reason   string        // one of Reasons(); empty for other attempts than failed ones
	Err      error         // error of filter or handler, or nil; people may read handler.LogText of it
	RetryIn  time.Duration // delay of the next attempt; 0 unless Outcome is retried
}

// Journal keeps the attempts for people. It is safe for concurrent use, and it never waits.
type Journal interface {
	// Ended records an attempt that has ended.
	Ended(a Attempt)
}

// noJournal ignores all attempts.
type noJournal struct{}

func (noJournal) Ended(Attempt) {}

// newAttempt describes the attempt d on a route that began at start and ends now.
func newAttempt(route string, d event.Delivery, start time.Time, r result, o broker.Outcome) Attempt {
	d.Route = route
	return Attempt{
		Delivery: d, Start: start, Duration: time.Since(start),
		Called: r.called, Handling: r.handling, Outcome: label(r, o), Reason: o.Reason, Err: r.err, RetryIn: o.After,
	}
}

// log writes the attempt's one log line.
func (a *Attempt) log(log *zap.Logger) {
	fields := []zap.Field{
		zap.String("id", a.Delivery.Event.ID), zap.String("source", a.Delivery.Event.Source), zap.String("action", a.Delivery.Event.Action),
		zap.Int("attempt", a.Delivery.Attempt), zap.String("outcome", a.Outcome), zap.Duration("duration", a.Duration),
	}
	if a.Reason != "" {
		fields = append(fields, zap.String("reason", a.Reason))
	}
	if a.Err != nil {
		fields = append(fields, zap.String("error", handler.LogText(a.Err)))
	}
	var panicked *panicError
	if errors.As(a.Err, &panicked) {
		fields = append(fields, zap.ByteString("stack", panicked.stack))
	}
	if a.Outcome == outcomeRetried {
		fields = append(fields, zap.Duration("retry_in", a.RetryIn))
	}
	log.Log(a.level(), "delivery "+a.Outcome, fields...)
}

func (a *Attempt) level() zapcore.Level {
	switch a.Outcome {
	case outcomeRetried:
		return zapcore.WarnLevel
	case outcomeDead:
		return zapcore.ErrorLevel
	}
	return zapcore.InfoLevel
}

// count counts the attempt in the worker's metrics. A dead letter counts when the broker has stored it; see runner.settled.
func (a *Attempt) count(m *metrics) {
	if a.Outcome != outcomeDead {
		m.deliveries.WithLabelValues(a.Delivery.Route, a.Outcome).Inc()
	}
	if a.Reason != "" {
		m.failures.WithLabelValues(a.Delivery.Route, a.Reason).Inc()
	}
	if a.Called {
		m.seconds.WithLabelValues(a.Delivery.Route).Observe(a.Handling.Seconds())
	}
	if a.Outcome == outcomeDone {
		m.attempts.WithLabelValues(a.Delivery.Route).Observe(float64(a.Delivery.Attempt))
	}
}
