// Package broker says what a line is: the thing between receivers and workers that keeps events.
//
// Package rabbitmq and package embedded are lines; package brokertest holds the promises written here against both.
package broker

import (
	"context"
	"errors"
	"time"

	"github.com/hookline/hookline/pkg/event"
)

// Publisher stores events. It is safe for concurrent use.
type Publisher interface {
	// Publish returns nil only when the event is durable and in the queue of every route that matches it, or in
	// the unrouted queue if none does. ErrDuplicate says that this was so before. Any other error means "not known to
	// be stored": the caller answers 503, and a repeat may store the event twice. Publish returns by the time ctx ends.
	Publish(ctx context.Context, e event.Event) error
}

// Process handles one delivery and says what becomes of it. A line calls it at most r.Concurrency times at once.
type Process func(ctx context.Context, d event.Delivery) Outcome

// Consumer brings the events of a route. It is safe for concurrent use.
type Consumer interface {
	// Consume calls fn for each event of the route's queue until ctx ends; then it starts no more, gives back what
	// it had fetched, waits for the calls that run, carries their outcomes out and returns nil. The context that fn
	// gets is not cancelled by ctx: how long running work may take is the caller's to say.
	// Lost connections are made again inside; an error means that this route cannot be consumed at all.
	//
	// What was in hand when its process died, or lost its connection, comes again as the same attempt and Redelivered;
	// what was given back, by a stop or as the outcome of fn, is not Redelivered.
	Consume(ctx context.Context, r Route, fn Process) error
}

// ErrDuplicate says that an event with the same source, action and ID was stored before, inside the line's window, and that
// nothing was stored now. What became of the first one since, done or dead or discarded, does not matter. It is no failure.
var ErrDuplicate = errors.New("the event was stored before")

// ErrNoQueue says that what a line keeps cannot be looked at, since the queue for it was never made, or deleted.
var ErrNoQueue = errors.New("there is no such queue")

// Why Publish failed: a closed list, which is also the metric label. See Reason.
var (
	// ErrDown says that there is no connection to the line.
	ErrDown = errors.New("line is down")
	// ErrBlocked says that the line takes nothing at the moment: a memory or disk alarm, or its size limit.
	ErrBlocked = errors.New("line is blocked")
	// ErrRefused says that the line answered no: a negative confirm or a returned message.
	ErrRefused = errors.New("line refused the event")
	// ErrUnknown says that no answer came in time: the event may have been stored.
	ErrUnknown = errors.New("line did not confirm in time")
)

// Reasons lists what Reason can return.
func Reasons() []string { return []string{"down", "blocked", "refused", "unknown", "other"} }

// Reason is the metric label of an error that Publish returned.
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

// QueueRole says what a queue is for.
type QueueRole string

// The roles of queues.
const (
	RoleWork     QueueRole = "work"
	RoleRetry    QueueRole = "retry"
	RoleDead     QueueRole = "dead"
	RoleUnrouted QueueRole = "unrouted"
	RoleLedger   QueueRole = "ledger" // holds no events; Queues leaves it out
	RoleTurn     QueueRole = "turn"   // holds nothing; Queues leaves it out
)

// QueueInfo is one queue as it stands now.
type QueueInfo struct {
	Name      string    `json:"name"`
	Role      QueueRole `json:"role"`
	Route     string    `json:"route,omitempty"` // of work and dead queues
	Waiting   int       `json:"waiting"`         // events that no worker holds
	Missing   bool      `json:"missing,omitempty"`
	Consumers int       `json:"consumers"` // worker processes that consume it; Unseen if that cannot be told
}

// Unseen stands for a number that cannot be seen from here.
const Unseen = -1

// Inspector looks at a line without changing it.
type Inspector interface {
	// Queues lists every queue of the configured topology, also those that are missing.
	Queues(ctx context.Context) ([]QueueInfo, error)
}

// DeadLetter is an event that a route gave up on.
type DeadLetter struct {
	Event      event.Event `json:"event"`
	Route      string      `json:"route"`
	Reason     string      `json:"reason"` // of the closed list that package worker documents
	Attempts   int         `json:"attempts"`
	FirstError string      `json:"first_error"`
	LastError  string      `json:"last_error"`
	Died       time.Time   `json:"died"`
}

// DeadLetters keeps the events that a route gave up on until somebody decides.
type DeadLetters interface {
	// Dead calls see for each dead letter of the route, oldest first, until see returns false. Looking changes
	// nothing, and does not count as a delivery.
	Dead(ctx context.Context, route string, see func(DeadLetter) bool) error
	// Replay puts the dead letters that pick chooses back into their route's work queue as new, and returns how
	// many. Each is in one of the two places at every moment; a crash in between can leave it in both.
	Replay(ctx context.Context, route string, pick func(DeadLetter) bool) (int, error)
	// Discard removes the dead letters that pick chooses, for good, and returns how many.
	Discard(ctx context.Context, route string, pick func(DeadLetter) bool) (int, error)
}

// Unrouted keeps the events that no route took until somebody decides.
type Unrouted interface {
	// Unrouted calls see for each unrouted event, oldest first, until see returns false. Looking changes nothing.
	Unrouted(ctx context.Context, see func(event.Event) bool) error
	// ReplayUnrouted gives the events that pick chooses to every route that matches them now, and returns how many.
	// Those that still match none stay. Each is in one of the two places at every moment; a crash in between can leave
	// it in both.
	ReplayUnrouted(ctx context.Context, pick func(event.Event) bool) (int, error)
	// DiscardUnrouted removes the events that pick chooses, for good, and returns how many.
	DiscardUnrouted(ctx context.Context, pick func(event.Event) bool) (int, error)
}
