package broker

import (
	"context"
	"time"

	"github.com/hookline/hookline/pkg/event"
)

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
