// Package broker defines a broker: it keeps events between receivers and workers.
//
// Packages rabbitmq and embedded implement Broker. Package brokertest tests both against the promises of this package.
package broker

import (
	"context"

	"github.com/hookline/hookline/pkg/event"
)

// Broker keeps events between receivers and workers. It is safe for concurrent use.
type Broker interface {
	Publisher
	Consumer
	Inspector
	Undelivered
	Eraser
	Pauser
	Redeliverer
	Auditor
	Unbinder
	Counter
	Leader
	Health
	// Close closes the broker. It waits for running calls of Consume until ctx ends. Call it once.
	Close(ctx context.Context) error
}

// MaxBody is the largest body of an event in bytes on RabbitMQ: the default max_message_size of RabbitMQ 4. RabbitMQ closes the
// channel of a larger message.
const MaxBody = 16 << 20

// Publisher stores events. It is safe for concurrent use.
type Publisher interface {
	// Publish returns nil when the event is durable and in the queue of every route that matches it, or in the unrouted
	// queue if no route matches. It returns ErrDuplicate if the event was stored before. After any other error the event may be
	// stored or not: answer 503, so that the sender repeats it. A repeat may store it twice. Publish returns before ctx ends.
	Publish(ctx context.Context, e event.Event) error
}

// Process handles one delivery and returns its outcome. A broker runs at most Route.Concurrency calls at once.
type Process func(ctx context.Context, d event.Delivery) Outcome

// Consumer delivers the events of a route. It is safe for concurrent use.
type Consumer interface {
	// Consume calls fn for each event in the route's queue until ctx ends. Then it starts no more calls, returns fetched events
	// to the queue, waits for running calls, settles their deliveries and returns nil. The end of ctx does not cancel the
	// context of fn: the caller bounds running work. Consume reconnects by itself; an error means that nobody can consume
	// this route. While a person pauses the route, Consume waits; see Pauser.
	//
	// When a process dies or loses its connection, its unsettled deliveries come again as the same attempt with Redelivered set.
	// Deliveries that a stop or the outcome Requeue returned to the queue come again without Redelivered.
	Consume(ctx context.Context, r Route, fn Process) error
}

// LeaderRole is a task that one process does for all processes on a broker.
type LeaderRole string

// The roles of leaders.
const (
	LeadAudit    LeaderRole = "audit"    // audits regularly
	LeadSchedule LeaderRole = "schedule" // emits scheduled events
)

// Leader elects one process of all that share a broker.
type Leader interface {
	// Leads reports whether this process leads in a role now. Each process that wants to lead asks regularly; at most one of
	// them leads.
	Leads(ctx context.Context, role LeaderRole) (bool, error)
}

// Health reports the state of a broker.
type Health interface {
	// Ready returns nil if the broker can store an event now, otherwise the reason.
	Ready() error
	// Lacking names the objects that the broker lacks and that this process may not create.
	Lacking() []string
	// Paused returns the pauses by route that this process obeys while it consumes. It waits for nobody.
	Paused() map[string]Pause
}
