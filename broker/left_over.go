package broker

import (
	"context"
	"errors"
)

// ErrRouteInUse reports that a route cannot be retired, because a configuration has it or somebody consumes its queue.
var ErrRouteInUse = errors.New("the route is in use")

// ErrNotEmpty reports that a route cannot be retired, because it has events.
var ErrNotEmpty = errors.New("the route has events")

// LeftOvers finds and removes routes that were removed from the configuration.
type LeftOvers interface {
	// LeftOver returns the queues of routes that the configuration lacks. It changes nothing.
	LeftOver(ctx context.Context) ([]QueueInfo, error)
	// Retire removes a route that the configuration lacks. It ends that the route gets events, moves its events to the unrouted if it
	// should, waits until the route has none, and deletes its queues. moved is the number of moved events. ErrNotEmpty says that the
	// route still has events when ctx ends; Retire has deleted nothing then and can be repeated. ErrRouteInUse says that a process
	// has the route in its configuration.
	Retire(ctx context.Context, r Retirement) (moved int, err error)
}

// Retirement selects a route to retire.
type Retirement struct {
	Route string
	// Patterns are patterns by which the route may be bound, besides those that the broker knows. It knows those of processes that
	// ran since version 0.2.
	Patterns []string
	// ToUnrouted moves all waiting events and dead letters of the route to the unrouted.
	ToUnrouted bool
}
