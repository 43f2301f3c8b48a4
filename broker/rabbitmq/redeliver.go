package rabbitmq

import (
	"context"
	"errors"
	"fmt"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/ledger"
	"github.com/hookline/hookline/pkg/event"
)

// Redeliver implements broker.Redeliverer. It publishes the event to the work queue of each route alone, and waits for each confirm after the
// end of ctx, too.
//
// The ledger has a note before the first publish, so that the end of a quick handler is not taken for that of another delivery, and one
// after the last confirm. A crash between the two leaves deliveries that the audit counts as extra when they are done.
func (b *Broker) Redeliver(ctx context.Context, e event.Event, routes []string) error {
	if err := b.checkRedelivery(ctx, e, routes); err != nil {
		return fmt.Errorf("rabbitmq: redeliver %s: %w", e.ID, err)
	}
	if err := b.noteAgain(ledger.Redelivering, e, routes); err != nil {
		return fmt.Errorf("rabbitmq: redeliver %s: nothing was stored: %w", e.ID, errors.Join(b.Ready(), err))
	}
	var stored, lacking []string
	var refused error
	for _, route := range routes {
		if err := b.storeAgain(ctx, e, route); err != nil {
			lacking = append(lacking, route)
			refused = errors.Join(refused, err)
			continue
		}
		stored = append(stored, route)
	}
	var unnoted error
	if len(stored) > 0 {
		unnoted = b.noteAgain(ledger.Redelivered, e, stored)
	}
	switch {
	case refused != nil:
		return fmt.Errorf("rabbitmq: redeliver %s: %w", e.ID, &broker.PartlyError{Routes: lacking, Err: refused})
	case unnoted != nil: // it is written later, if this process goes on
		b.log.Warn("an event was given to routes again, and the ledger has no note of it yet: the audit may count it as extra")
	}
	return nil
}

// checkRedelivery returns why an event cannot be given to routes.
func (b *Broker) checkRedelivery(ctx context.Context, e event.Event, routes []string) error {
	if len(routes) == 0 {
		return errors.New("no route is given")
	}
	for _, route := range routes {
		if !b.configures(route) {
			return fmt.Errorf("route %q is not in the configuration", route)
		}
	}
	if _, err := newEventMessage(e); err != nil {
		return err
	}
	return b.checkWorkQueues(ctx, routes...)
}

// noteAgain writes a note of an event to the ledger, and returns an error unless it is written.
func (b *Broker) noteAgain(kind ledger.Kind, e event.Event, routes []string) error {
	batch := b.ledger.noteAgain(kind, e, routes)
	if b.ledger.await(batch); !batch.isWritten() {
		return errors.New("the ledger cannot be written; look for a memory or disk alarm of RabbitMQ, and try again")
	}
	return nil
}

// storeAgain publishes an event to the work queue of a route, as a first attempt.
func (b *Broker) storeAgain(ctx context.Context, e event.Event, route string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	publishing, cancel := context.WithTimeout(context.WithoutCancel(ctx), replayTime)
	defer cancel()
	m := queuedEvent{event: e, attempt: 1}.message(ReturnExchange, route)
	err := b.publisher.publish(publishing, &m)
	if errors.Is(err, errNegative) {
		return fmt.Errorf("%s is full: let workers drain it, or raise its limit, then try again: %w", m.key, err)
	}
	return err
}
