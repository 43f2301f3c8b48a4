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

// record describes one attempt after it has ended. The attempt's log line and metrics are made from it.
type record struct {
	event    event.Event
	route    string
	attempt  int           // number of the attempt, from 1
	start    time.Time     // when the worker received the delivery
	duration time.Duration // from start to the outcome
	called   bool          // the handler was called
	handling time.Duration // time in the handler
	outcome  string        // one of outcomes()
	reason   string        // one of Reasons(); empty for other attempts than failed ones
	err      error         // error of filter or handler, or nil
	retryIn  time.Duration // delay of the next attempt; 0 unless outcome is outcomeRetried
}

// newRecord describes the attempt d that began at start and ends now.
func newRecord(route string, d event.Delivery, start time.Time, r result, o broker.Outcome) record {
	return record{
		event: d.Event, route: route, attempt: d.Attempt, start: start, duration: time.Since(start),
		called: r.called, handling: r.handling, outcome: label(r, o), reason: o.Reason, err: r.err, retryIn: o.After,
	}
}

// log writes the attempt's one log line.
func (r *record) log(log *zap.Logger) {
	fields := []zap.Field{
		zap.String("id", r.event.ID), zap.String("source", r.event.Source), zap.String("action", r.event.Action),
		zap.Int("attempt", r.attempt), zap.String("outcome", r.outcome), zap.Duration("duration", r.duration),
	}
	if r.reason != "" {
		fields = append(fields, zap.String("reason", r.reason))
	}
	if r.err != nil {
		fields = append(fields, zap.String("error", handler.LogText(r.err)))
	}
	var panicked *panicError
	if errors.As(r.err, &panicked) {
		fields = append(fields, zap.ByteString("stack", panicked.stack))
	}
	if r.outcome == outcomeRetried {
		fields = append(fields, zap.Duration("retry_in", r.retryIn))
	}
	log.Log(r.level(), "delivery "+r.outcome, fields...)
}

func (r *record) level() zapcore.Level {
	switch r.outcome {
	case outcomeRetried:
		return zapcore.WarnLevel
	case outcomeDead:
		return zapcore.ErrorLevel
	}
	return zapcore.InfoLevel
}

// count counts the attempt in the worker's metrics. A dead letter counts when the broker has stored it; see runner.settled.
func (r *record) count(m *metrics) {
	if r.outcome != outcomeDead {
		m.deliveries.WithLabelValues(r.route, r.outcome).Inc()
	}
	if r.reason != "" {
		m.failures.WithLabelValues(r.route, r.reason).Inc()
	}
	if r.called {
		m.seconds.WithLabelValues(r.route).Observe(r.handling.Seconds())
	}
	if r.outcome == outcomeDone {
		m.attempts.WithLabelValues(r.route).Observe(float64(r.attempt))
	}
}
