// Package handler is for authors of handlers: a Handler does the work of a route.
//
// A handler returns nil when its work is done. It returns an error for another attempt later, Permanent(err) for a dead
// letter at once, and RetryAfter(d, err) for another attempt after d. It may get the same event more than once, so its
// work has to be safe to repeat; Event.ID is the same each time.
//
// A handler needs this package and package event only, and both import the standard library only.
package handler

import (
	"context"

	"github.com/hookline/hookline/pkg/event"
)

// Handler does the work of a route. It is safe for concurrent use.
//
// Handle receives the same event again after a crash, a lost connection or a replay, so it has to be safe to repeat.
// Event.ID is the same each time. Handle returns nil when the work is done, and any error for another attempt after the
// route's delay, which grows with each attempt. It returns Permanent(err) if no repeat can help, and RetryAfter(d, err) to
// choose the delay itself. It must return soon after ctx ends: ctx ends at the route's timeout, and at the stop of the
// process.
type Handler interface {
	Handle(ctx context.Context, d event.Delivery) error
}

// Func is a function used as a Handler.
type Func func(ctx context.Context, d event.Delivery) error

// Handle calls f.
func (f Func) Handle(ctx context.Context, d event.Delivery) error { return f(ctx, d) }
