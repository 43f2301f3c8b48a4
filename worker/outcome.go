package worker

import (
	"errors"
	"fmt"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/handler"
)

// The reasons of a failed attempt: a closed list for the metric label, the log field and the dead letter. The reasons
// permanent, filter and match make an event a dead letter at once. With another reason a dead letter has used up all attempts,
// and the reason is that of the last one.
const (
	ReasonError     = "error"     // the handler returned an error
	ReasonPermanent = "permanent" // the handler returned handler.Permanent
	ReasonTimeout   = "timeout"   // the handler failed after the route's timeout
	ReasonPanic     = "panic"     // the handler panicked
	ReasonFilter    = "filter"    // the route's where failed for this event
	ReasonMatch     = "match"     // the route's match does not choose this event: it was stored for an earlier one

	ReasonCrashed = broker.ReasonCrashed // the worker process, or its connection to the broker, ended during the attempt
)

// crashAttempts is the lowest attempt number at which a crash makes an event a dead letter, even if Retry allows fewer
// attempts. RabbitMQ reports three cases alike: the event killed its process, the process had only fetched the event
// beside another one, or the connection was lost. So one crash proves nothing about the event, and a second one can be
// chance.
const crashAttempts = 3

// The largest additional delay after a crash. Each event gets a random part of it, so that events that were in progress
// together come back at different times, and an event that kills its process hits other neighbours the next time. A
// fifth of the delay is too little on RabbitMQ, where delays have steps of one second. The first crash has a shorter
// delay, because its usual cause is a lost connection.
const (
	firstCrashSpread = 5 * time.Second
	crashSpread      = 30 * time.Second
)

// Reasons lists the reasons of failed attempts.
func Reasons() []string {
	return []string{ReasonError, ReasonPermanent, ReasonTimeout, ReasonPanic, ReasonFilter, ReasonMatch, ReasonCrashed}
}

// ErrStopping is the cause of a handler's context that ends because the worker stops and Config.Grace is over.
var ErrStopping = errors.New("worker is stopping")

// errTimeout is the cause of a handler's context that ends at the route's timeout.
var errTimeout = errors.New("timeout")

// result is the result of filter and handler for one delivery.
type result struct {
	filtered bool          // the route's where left the event out
	called   bool          // the handler was called
	handling time.Duration // time in the handler
	err      error         // error of filter or handler
	cause    error         // cause of the end of the handler's context; nil if the context had not ended
}

// outcome turns a result into the outcome of the delivery. jitter is in [0, 1).
//
// Work that is done counts as done, even after the timeout. A handler that fails after the end of its context was
// interrupted, unless the timeout ended the context. An interrupted event goes back to its queue unchanged, because an
// interruption proves nothing about it.
func outcome(r result, attempt int, retry Retry, jitter float64) broker.Outcome {
	if r.err == nil {
		return broker.Ack()
	}
	if r.cause != nil && !errors.Is(r.cause, errTimeout) {
		return broker.Requeue()
	}
	reason, last := reasonOf(r), retry.Attempts
	if reason == ReasonCrashed {
		last = max(last, crashAttempts)
	}
	if reason == ReasonPermanent || reason == ReasonFilter || reason == ReasonMatch || attempt >= last {
		return broker.GiveUp(reason, r.err)
	}
	if after, ok := handler.AfterOf(r.err); ok {
		return broker.Retry(min(max(after, 0), MaxDelay), reason, r.err)
	}
	after := retry.delay(attempt, jitter)
	if reason == ReasonCrashed {
		spread := crashSpread
		if attempt == 1 {
			spread = firstCrashSpread
		}
		after = min(after+time.Duration(jitter*float64(spread)), MaxDelay)
	}
	return broker.Retry(after, reason, r.err)
}

func reasonOf(r result) string {
	var panicked *panicError
	var filter *filterError
	switch {
	case errors.As(r.err, &filter):
		return ReasonFilter
	case errors.Is(r.err, errNoMatch):
		return ReasonMatch
	case errors.Is(r.err, errCrashed):
		return ReasonCrashed
	case errors.As(r.err, &panicked):
		return ReasonPanic
	case handler.IsPermanent(r.err):
		return ReasonPermanent
	case r.cause != nil:
		return ReasonTimeout
	}
	return ReasonError
}

// delay returns the delay after the given attempt has failed.
func (r Retry) delay(attempt int, jitter float64) time.Duration {
	d := r.First
	for ; attempt > 1 && d < r.Max; attempt-- {
		d *= 2
	}
	d = min(d, r.Max)
	return min(d+time.Duration((jitter*2-1)*float64(d)/5), MaxDelay)
}

// panicError is a panic of a handler. Only the log shows its stack.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// label returns the outcome's name in metrics and logs.
func label(r result, o broker.Outcome) string {
	switch o.Verdict {
	case broker.VerdictAck:
		if r.filtered {
			return outcomeFiltered
		}
		return outcomeDone
	case broker.VerdictRetry:
		return outcomeRetried
	case broker.VerdictDead:
		return outcomeDead
	}
	return outcomeRequeued
}

// The names of outcomes in metrics and logs.
const (
	outcomeDone     = "done"
	outcomeFiltered = "filtered"
	outcomeRetried  = "retried"
	outcomeDead     = "dead"
	outcomeRequeued = "requeued"
)

func outcomes() []string {
	return []string{outcomeDone, outcomeFiltered, outcomeRetried, outcomeDead, outcomeRequeued}
}
