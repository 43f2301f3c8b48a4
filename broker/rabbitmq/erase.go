package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
)

// eraser is one call of Erase.
type eraser struct {
	*Broker
	pick    func(broker.StoredDelivery) bool
	removed int
}

// Erase implements broker.Eraser, also for the queues of left-over routes. It writes each picked event to the ledger first, as Discard
// does. It goes through the queues in the order in which an event moves on. A crash can leave one event of a work queue there twice. A work
// queue that is full because of a policy is searched up to the first event that stays; the error at the end of the call names it.
func (b *Broker) Erase(ctx context.Context, pick func(broker.StoredDelivery) bool) (removed int, err error) {
	connecting, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if _, err := b.consume.await(connecting); err != nil {
		return 0, fmt.Errorf("rabbitmq: %w", err)
	}
	queues, err := b.LeftOver(ctx)
	if err != nil {
		return 0, err
	}
	for _, q := range b.topology.Queues {
		queues = append(queues, broker.QueueInfo{Name: q.Name, Role: q.Role, Route: q.Route})
	}
	e := &eraser{b, pick, 0}
	var full []error
	for _, role := range []broker.QueueRole{broker.RoleWork, broker.RoleExternal, broker.RoleRetry, broker.RoleDead, broker.RoleUnrouted} {
		for _, q := range queues {
			if q.Role != role {
				continue
			}
			from := undeliveredQueue{q.Name, q.Route}
			if role == broker.RoleWork || role == broker.RoleExternal {
				err = e.rotate(ctx, from)
			} else {
				err = b.browse(ctx, from, func(d amqp.Delivery) (decision, error) { return e.visit(ctx, from, role, d) })
			}
			switch {
			case errors.Is(err, errNegative):
				full = append(full, err)
			case err != nil && !errors.Is(err, broker.ErrNoQueue):
				return e.removed, errors.Join(append(full, err)...)
			}
		}
	}
	return e.removed, errors.Join(full...)
}

// visit picks a message of a queue that is browsed.
func (e *eraser) visit(ctx context.Context, from undeliveredQueue, role broker.QueueRole, d amqp.Delivery) (decision, error) {
	stored := broker.StoredDelivery{UndeliveredEvent: from.read(d)}
	if role == broker.RoleRetry {
		stored = readWaiting(d, from.routeOf(d))
	}
	if !e.pick(stored) {
		return keepMessage, nil
	}
	if err := e.noteDiscarded(ctx, e.removed == 0, stored.Event, stored.Route); err != nil {
		return keepMessage, err
	}
	e.removed++
	return discardMessage, nil
}

// readWaiting reads a message of a work or delay queue.
func readWaiting(d amqp.Delivery, route string) broker.StoredDelivery {
	q := readQueuedEvent(d, time.Now())
	return broker.StoredDelivery{
		UndeliveredEvent: broker.UndeliveredEvent{
			Event: q.event, Route: route, Reason: q.reason, Attempts: q.attempt - 1, FirstError: q.firstError, LastError: q.lastError,
		},
		Due: q.due,
	}
}

// rotate visits the messages that are in a work queue now, and stores each one that stays again at the end of the queue. RabbitMQ would mark
// a requeued message as redelivered, like one whose worker died. So only those that are marked already are requeued.
func (e *eraser) rotate(ctx context.Context, from undeliveredQueue) (err error) {
	e.browsing.Lock()
	defer e.browsing.Unlock()
	defer func() {
		if err != nil {
			err = fmt.Errorf("rabbitmq: %s: %w", from.name, err)
		}
	}()
	queue, err := e.openBrowser(ctx, from.name)
	if err != nil {
		return err
	}
	defer func() {
		kept := int64(len(queue.held))
		err = errors.Join(err, queue.close())
		e.ledger.addHeld(from.route, -kept)
	}()
	n, err := queue.ready()
	if missing(err) {
		return broker.ErrNoQueue
	}
	for range n {
		d, ok, getErr := queue.get(ctx)
		if getErr != nil || !ok {
			return getErr
		}
		if err := e.settle(ctx, queue, from.route, d); err != nil {
			return err
		}
	}
	return err
}

// settle removes a picked message of a work queue, stores another one again, or holds it.
func (e *eraser) settle(ctx context.Context, queue *browser, route string, d amqp.Delivery) error {
	e.ledger.addHeld(route, 1)
	stored := readWaiting(d, route)
	if e.pick(stored) {
		if err := e.noteDiscarded(ctx, e.removed == 0, stored.Event, route); err != nil {
			return err
		}
		e.removed++
		return d.Ack(false)
	}
	if d.Redelivered {
		queue.held = append(queue.held, d.DeliveryTag)
		return nil
	}
	m := readQueuedEvent(d, time.Now()).message(ReturnExchange, route)
	storing, cancel := context.WithTimeout(context.WithoutCancel(ctx), replayTime)
	defer cancel()
	switch err := e.publisher.publish(storing, &m); {
	case errors.Is(err, errNegative):
		queue.held = append(queue.held, d.DeliveryTag)
		return fmt.Errorf("the queue is full, so it was not searched to its end: let workers take events, or raise the policy's max-length: %w", err)
	case err != nil:
		e.ledger.addHeld(route, -1)
		return fmt.Errorf("store %s again: %w", stored.Event.ID, err)
	}
	e.ledger.addHeld(route, -1)
	return d.Ack(false)
}
