package worker

import (
	"context"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/privacy"
)

// Redacted is a handler that gives next each event redacted. A body that cannot be read does not reach it: the event becomes a
// dead letter.
func Redacted(r *privacy.Redactor, next handler.Handler) handler.Handler {
	return handler.Func(func(ctx context.Context, d event.Delivery) (err error) {
		if d.Event, err = r.Event(d.Event); err != nil {
			return handler.Permanent(err)
		}
		return next.Handle(ctx, d)
	})
}
