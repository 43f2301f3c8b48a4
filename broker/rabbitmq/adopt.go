package rabbitmq

import (
	"context"
	"fmt"
	"time"

	"github.com/hookline/hookline/broker"
)

// Adopt stores a delivery of another broker: in the queue of its route only, with its attempts, or as a dead letter. An unrouted event
// goes to every route that matches it now, else to the unrouted ones. The queues have to exist. Its errors are those of Publish.
func (b *Broker) Adopt(ctx context.Context, d broker.StoredDelivery) error {
	m, err := newEventMessage(d.Event)
	routes := []string{d.Route}
	q := queuedEvent{event: d.Event, attempt: d.Attempts + 1, due: d.Due, reason: d.Reason, firstError: d.FirstError, lastError: d.LastError}
	wait := time.Until(d.Due)
	switch {
	case err != nil:
		return fmt.Errorf("rabbitmq: %w", err)
	case d.Route == broker.Unrouted:
		routes = b.matcher.Match(m.key)
	case !d.Died.IsZero():
		q.attempt, q.due, q.died = d.Attempts, time.Time{}, d.Died
		m = q.message(DeadExchange, d.Route)
	case wait > 0:
		m = q.message(delayExchange(wait), d.Route)
	default:
		q.due = time.Time{}
		m = q.message(ReturnExchange, d.Route)
	}
	if err := b.publisher.publish(ctx, &m); err != nil {
		return fmt.Errorf("rabbitmq: %w", err)
	}
	b.ledger.noteAccepted(d.Event, routes)
	if !q.due.IsZero() {
		b.ledger.noteRetrying(d.Event, d.Route)
	}
	return nil
}
