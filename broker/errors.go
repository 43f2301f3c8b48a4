package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ErrDuplicate reports that the broker stored an event with the same source, action and ID before, within its window, and stored
// nothing now. The first event may since be done, dead or discarded. ErrDuplicate is no failure.
var ErrDuplicate = errors.New("the event was stored before")

// ErrNoQueue reports that a queue does not exist: nobody has declared it, or somebody has deleted it.
var ErrNoQueue = errors.New("the queue does not exist")

// Errors of Publish. Reason maps each of them to a metric label.
var (
	// ErrDown reports that there is no connection to the broker.
	ErrDown = errors.New("the broker is down")
	// ErrBlocked reports that the broker takes no events now, because of a memory alarm, a disk alarm, or its size limit.
	ErrBlocked = errors.New("the broker is blocked")
	// ErrRefused reports that the broker answered no: a negative confirm or a returned message.
	ErrRefused = errors.New("the broker refused the event")
	// ErrRejected reports that the broker refuses this one event now and at each repeat, until an operator changes the broker. It wraps
	// ErrRefused.
	ErrRejected = fmt.Errorf("%w for good", ErrRefused)
	// ErrTooLarge reports that the event is larger than the broker takes. It wraps ErrRejected.
	ErrTooLarge = fmt.Errorf("%w: it is too large", ErrRejected)
	// ErrUnknown reports that no answer came in time. The broker may have stored the event.
	ErrUnknown = errors.New("the broker did not confirm in time")
)

// PartlyError reports that the queues of some routes refused an event, and those of the other matching routes have it. A repeat of Publish
// within the window of duplicates stores it for the refusing routes only. It wraps ErrRefused.
type PartlyError struct {
	Routes []string // that lack the event
	Err    error
}

// Error implements error.
func (e *PartlyError) Error() string {
	return fmt.Sprintf("not stored for %s: %v", strings.Join(e.Routes, ", "), e.Err)
}

// Unwrap returns the error of the first route that lacks the event.
func (e *PartlyError) Unwrap() error { return e.Err }

// Reasons returns every result of Reason.
func Reasons() []string { return []string{"down", "blocked", "refused", "unknown", "other"} }

// Reason returns the metric label of an error of Publish.
func Reason(err error) string {
	switch {
	case errors.Is(err, ErrDown):
		return "down"
	case errors.Is(err, ErrBlocked):
		return "blocked"
	case errors.Is(err, ErrRefused):
		return "refused"
	case errors.Is(err, ErrUnknown), errors.Is(err, context.DeadlineExceeded):
		return "unknown"
	}
	return "other"
}
