package broker

import "context"

// Redeliverer gives stored events to their routes again, or sooner, because a person says so.
type Redeliverer interface {
	// RetryNow ends the wait of picked events of a route for their next attempt: those that failed, and those that wait because their
	// source is paused. Each becomes the route's work as the same attempt that it waited for. RetryNow returns their number, also with an
	// error. It skips events that wait less than two seconds more, and one that is on its way between two waits: repeat it for those.
	//
	// At every moment each event is waiting or the route's work. A crash, or a broker that does not confirm, can leave one event in both, so
	// that it is handled twice. The end of ctx leaves none in both.
	RetryNow(ctx context.Context, route string, pick func(StoredDelivery) bool) (int, error)
}
