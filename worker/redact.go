package worker

import (
	"context"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/privacy"
)

// Redacted returns a handler that redacts each event and then calls next. An event with an unreadable body becomes a dead
// letter instead.
func Redacted(r *privacy.Redactor, next handler.Handler) handler.Handler {
	return handler.Func(func(ctx context.Context, d event.Delivery) (err error) {
		if d.Event, err = r.Event(d.Event); err != nil {
			return handler.Permanent(err)
		}
		return next.Handle(ctx, d)
	})
}
