package broker

import (
	"context"

	"github.com/hookline/hookline/pkg/event"
)

// Redeliverer gives stored events to their routes again, or sooner, because a person says so.
type Redeliverer interface {
	// Redeliver stores an event again for the given routes only, as a new delivery with the same ID. The caller has the event, for example from
	// the journal; the broker need not know it. Earlier deliveries of the event stay as they are: done, dead, or still waiting. Those routes
	// count it as accepted once more, and its source does not. Redeliver neither looks for duplicates nor remembers the event as one.
	//
	// A route has to be in the configuration, and its queue to exist. A PartlyError names the routes that lack the event: repeat it for
	// these. After ErrUnknown, which it wraps, such a route can have the event; then a repeat runs it twice. An event is never lost that
	// Redeliver has stored.
	Redeliver(ctx context.Context, e event.Event, routes []string) error
	// RetryNow ends the wait of picked events of a route for their next attempt: those that failed, and those that wait because their
	// source is paused. Each becomes the route's work as the same attempt that it waited for. RetryNow returns their number, also with an
	// error. It skips events that wait less than two seconds more, and one that is on its way between two waits: repeat it for those.
	//
	// At every moment each event is waiting or the route's work. A crash, or a broker that does not confirm, can leave one event in both, so
	// that it is handled twice. The end of ctx leaves none in both.
	RetryNow(ctx context.Context, route string, pick func(StoredDelivery) bool) (int, error)
}
