package worker

import (
	"errors"
	"fmt"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/handler"
)

// Why a try failed: a closed list, which is the metric label, the log field and the dead letter's reason alike. On a
// dead letter, permanent and filter mean "given up at once"; the others mean that the attempts were used up, and how
// the last one failed.
const (
	ReasonError     = "error"     // the handler returned an error
	ReasonPermanent = "permanent" // the handler returned handler.Permanent
	ReasonTimeout   = "timeout"   // the handler failed after its time was over
	ReasonPanic     = "panic"     // the handler panicked
	ReasonFilter    = "filter"    // the route's where could not be evaluated for this event

	ReasonCrashed = broker.ReasonCrashed // the process that had the event in hand died, or lost its line
)

// crashAttempts is the least attempt number at which an event is given up since its attempts are cut off, however few
// Retry allows. RabbitMQ tells an event that kills its process neither from one that was merely fetched beside it nor
// from a lost connection: one cut-off says nothing about the event, and a second one can be chance.
const crashAttempts = 3

// How much later than after other failures an event comes back that was cut off, at most. A random part of it brings
// back apart what was in hand together, so that an event that ends its process does not take the same neighbours along
// again; a fifth of the delay would not do on RabbitMQ, whose delays come in steps of a second. The first time it was
// most likely a lost connection, and nobody shall wait long for that.
const (
	firstCrashSpread = 5 * time.Second
	crashSpread      = 30 * time.Second
)

// Reasons lists what a failure's reason can be.
func Reasons() []string {
	return []string{ReasonError, ReasonPermanent, ReasonTimeout, ReasonPanic, ReasonFilter, ReasonCrashed}
}

// ErrStopping is the cause of a handler's context that ends because the worker stops and its grace is over.
var ErrStopping = errors.New("worker is stopping")

// errTimeout is the cause of a handler's context that ends because the route's timeout is over.
var errTimeout = errors.New("timeout")

// result is how one try ended.
type result struct {
	filtered bool  // the route's where said no; the handler was not called
	err      error // what filter or handler said
	cause    error // why the handler's context had ended by then; nil if it had not
}

// outcome says what becomes of a delivery. jitter is in [0, 1).
//
// Done is done, however late. What fails after its context was ended by anything but its own timeout was interrupted:
// that says nothing about the event, so it goes back as it came.
func outcome(r result, attempt int, retry Retry, jitter float64) broker.Outcome {
	if r.err == nil {
		return broker.Ack()
	}
	if r.cause != nil && !errors.Is(r.cause, errTimeout) {
		return broker.Requeue()
	}
	why, last := reason(r), retry.Attempts
	if why == ReasonCrashed {
		last = max(last, crashAttempts)
	}
	if why == ReasonPermanent || why == ReasonFilter || attempt >= last {
		return broker.GiveUp(why, r.err)
	}
	if after, ok := handler.AfterOf(r.err); ok {
		return broker.Retry(min(max(after, 0), MaxDelay), why, r.err)
	}
	after := retry.delay(attempt, jitter)
	if why == ReasonCrashed {
		spread := crashSpread
		if attempt == 1 {
			spread = firstCrashSpread
		}
		after = min(after+time.Duration(jitter*float64(spread)), MaxDelay)
	}
	return broker.Retry(after, why, r.err)
}

func reason(r result) string {
	var panicked *panicError
	var filter *filterError
	switch {
	case errors.As(r.err, &filter):
		return ReasonFilter
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

// delay is how long to wait after the given attempt failed.
func (r Retry) delay(attempt int, jitter float64) time.Duration {
	d := r.First
	for ; attempt > 1 && d < r.Max; attempt-- {
		d *= 2
	}
	d = min(d, r.Max)
	return min(d+time.Duration((jitter*2-1)*float64(d)/5), MaxDelay)
}

// panicError is a panic of a handler, with the stack that only the log shows.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// label is the outcome as metrics and logs name it.
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
