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
	return redacting{r, next}
}

type redacting struct {
	redactor *privacy.Redactor
	next     handler.Handler
}

// Handle redacts the event for the next handler.
func (r redacting) Handle(ctx context.Context, d event.Delivery) (err error) {
	if d.Event, err = r.redactor.Event(d.Event); err != nil {
		return handler.Permanent(err)
	}
	return r.next.Handle(ctx, d)
}

// Preview returns the preview of the next handler for the redacted event.
func (r redacting) Preview(ctx context.Context, d event.Delivery) (p handler.Preview, err error) {
	if d.Event, err = r.redactor.Event(d.Event); err != nil {
		return p, handler.Permanent(err)
	}
	return handler.PreviewOf(ctx, r.next, d)
}
