package broker

import (
	"context"
	"errors"
	"time"

	"github.com/hookline/hookline/pkg/event"
)

// Unrouted is the route of events that match no route.
const Unrouted = ""

// Spool is the route of the dead letters of a receiver's spool: events that were answered 200, and that the broker then refused for good.
// Its first character is not allowed in the name of a configured route.
const Spool = "@spool"

// MaxPageBytes is the size of events' bodies in bytes at which a page ends early. The event that reaches it is still in the page.
const MaxPageBytes = 4 << 20

// ErrCursor reports a Page.After that List of the same broker and route has not returned.
var ErrCursor = errors.New("the cursor is not one of this list")

// UndeliveredEvent is a dead letter, which is an event that a route gave up on, or an unrouted event.
type UndeliveredEvent struct {
	Event event.Event `json:"event"`
	Route string      `json:"route"` // Unrouted for an unrouted event, which has only Event besides

	Reason     string    `json:"reason"` // of the closed list in package worker, or ReasonFull
	Attempts   int       `json:"attempts"`
	FirstError string    `json:"first_error"`
	LastError  string    `json:"last_error"`
	Died       time.Time `json:"died"`
}

// Page selects a part of a list.
type Page struct {
	After string // cursor that List returned with the page before; "" for the first page
	Limit int    // events in the page, at least 1; large events can end it earlier
}

// Undelivered keeps the dead letters of each route, and the unrouted events, until a person decides. Each method takes a route, or
// Unrouted. Get, List and Each change nothing: no delivery is counted, and the order stays. On RabbitMQ a missing queue is ErrNoQueue.
type Undelivered interface {
	// Get returns the events with an ID, oldest first, and none if there is none. There can be several, because IDs are unique
	// only for one source and action.
	Get(ctx context.Context, route, id string) ([]UndeliveredEvent, error)
	// List returns a page of events, oldest first, and the cursor of the next page, which is "" after the last page. A cursor
	// stays valid when events are removed, including its own.
	List(ctx context.Context, route string, p Page) (events []UndeliveredEvent, next string, err error)
	// Each visits the events, oldest first, until visit returns false.
	Each(ctx context.Context, route string, visit func(UndeliveredEvent) (more bool)) error
	// Replay returns picked dead letters to the work queue of their route as new events. It publishes picked unrouted events to
	// every route that matches them now; an event that matches no route stays. An unrouted event that only some routes can store becomes
	// a dead letter of the others, with ReasonFull, and the error at the end says so. Replay returns the number of events that it
	// replayed. At every moment each event is in one of the two queues; a crash, or a broker that does not confirm, can leave one event
	// in both. The end of ctx leaves none in both.
	Replay(ctx context.Context, route string, pick func(UndeliveredEvent) bool) (int, error)
	// Discard removes picked events for good, and returns their number.
	Discard(ctx context.Context, route string, pick func(UndeliveredEvent) bool) (int, error)
}
