package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/ledger"
	"github.com/hookline/hookline/pkg/event"
)

// undeliveredQueue is the queue of a route's dead letters, or of the unrouted events, or a delay queue, which all routes share.
type undeliveredQueue struct{ name, route string }

// routeOf returns the route of a message in the queue.
func (q undeliveredQueue) routeOf(d amqp.Delivery) string {
	if strings.HasPrefix(q.name, retryPrefix) {
		return broker.RouteOfWorkQueue(d.RoutingKey)
	}
	return q.route
}

func undeliveredOf(route string) undeliveredQueue {
	if route == broker.Unrouted {
		return undeliveredQueue{broker.UnroutedQueue, route}
	}
	return undeliveredQueue{broker.DeadQueue(route), route}
}

// read returns the event of a message in the queue.
func (q undeliveredQueue) read(d amqp.Delivery) broker.UndeliveredEvent {
	if q.route == broker.Unrouted {
		return broker.UndeliveredEvent{Event: decode(d, time.Now())}
	}
	return readDeadLetter(d, q.route, time.Now())
}

// Get implements broker.Undelivered. It browses the whole queue, one round trip for each message.
func (b *Broker) Get(ctx context.Context, route, id string) (found []broker.UndeliveredEvent, err error) {
	from := undeliveredOf(route)
	err = b.browse(ctx, from, func(d amqp.Delivery) (decision, error) {
		if u := from.read(d); u.Event.ID == id {
			found = append(found, u)
		}
		return keepMessage, nil
	})
	return found, err
}

// List implements broker.Undelivered. It browses the queue from its head to the end of the page, one round trip for each message, and
// further if an earlier browse went further: see browser.
func (b *Broker) List(ctx context.Context, route string, p broker.Page) (events []broker.UndeliveredEvent, next string, err error) {
	from := undeliveredOf(route)
	page, err := newPageCollector(p)
	if err != nil {
		return nil, "", fmt.Errorf("rabbitmq: %s: %w", from.name, err)
	}
	err = b.browse(ctx, from, func(d amqp.Delivery) (decision, error) {
		if page.add(from.read(d)); page.full() {
			return stopBrowsing, nil
		}
		return keepMessage, nil
	})
	if err != nil {
		return nil, "", err
	}
	events, next = page.result()
	return events, next, nil
}

// Each implements broker.Undelivered. It browses the queue, one round trip for each message.
func (b *Broker) Each(ctx context.Context, route string, visit func(broker.UndeliveredEvent) bool) error {
	from := undeliveredOf(route)
	return b.browse(ctx, from, func(d amqp.Delivery) (decision, error) {
		if visit(from.read(d)) {
			return keepMessage, nil
		}
		return stopBrowsing, nil
	})
}

// flushLedger writes the ledger. If RabbitMQ takes no messages, the error also wraps broker.ErrBlocked or broker.ErrDown.
func (b *Broker) flushLedger(ctx context.Context) error {
	flushing, cancel := context.WithTimeout(ctx, noteTime)
	defer cancel()
	_, err := b.ledger.flush(flushing)
	if err == nil || ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	if reason := b.Ready(); reason != nil {
		return fmt.Errorf("%w: %w", reason, err)
	}
	return fmt.Errorf("%w; `hookline topology apply` makes a missing ledger", err)
}

// Discard implements broker.Undelivered. It writes each event to the ledger first. While the ledger cannot be written, Discard
// discards nothing, because each later audit would report the event as lost.
func (b *Broker) Discard(ctx context.Context, route string, pick func(broker.UndeliveredEvent) bool) (n int, err error) {
	from := undeliveredOf(route)
	err = b.browse(ctx, from, func(d amqp.Delivery) (decision, error) {
		u := from.read(d)
		if !pick(u) {
			return keepMessage, nil
		}
		if err := b.noteDiscarded(ctx, n == 0, u.Event, route); err != nil {
			return keepMessage, err
		}
		n++
		return discardMessage, nil
	})
	return n, err
}

// noteDiscarded writes to the ledger that a held event is discarded. Before the first event of a call it checks that the ledger can be
// written, because a note that is written after a failed call would be wrong.
func (b *Broker) noteDiscarded(ctx context.Context, first bool, e event.Event, route string) error {
	if first {
		if err := b.flushLedger(context.WithoutCancel(ctx)); err != nil { // a pick may end ctx, so that its event is the last one
			return fmt.Errorf("nothing was discarded: %w", err)
		}
	}
	batch := b.ledger.noteFinished(true, ledger.Discarded, e, route)
	if b.ledger.await(batch); !batch.isWritten() {
		return errors.New("no more events were discarded, because the ledger can no longer be written; look for a memory or disk alarm of RabbitMQ, and try again")
	}
	return nil
}
