package rabbitmq

import (
	"context"
	"fmt"
	"slices"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
)

// soon is the time before its next attempt in which RetryNow leaves an event alone, because it comes by itself.
const soon = 2 * time.Second

// RetryNow implements broker.Redeliverer. It looks through the delay queues, which all routes share, in the order in which an event moves on.
// An event of the route that is between two delay queues, in its work queue, goes on waiting. It publishes each picked event to the work queue,
// and removes it from the delay queue after the confirm. A full work queue ends the call.
func (b *Broker) RetryNow(ctx context.Context, route string, pick func(broker.StoredDelivery) bool) (n int, err error) {
	if err := b.checkWorkQueues(ctx, route); err != nil {
		return 0, fmt.Errorf("rabbitmq: retry now: %w", err)
	}
	r := &retrier{b, route, pick, map[broker.Fingerprint]bool{}, 0}
	for _, step := range slices.Backward(DelaySteps()) {
		from := undeliveredQueue{name: RetryQueue(step)}
		if err := b.browse(ctx, from, func(d amqp.Delivery) (decision, error) { return r.visit(ctx, d) }); err != nil {
			return r.n, err
		}
	}
	return r.n, nil
}

// checkWorkQueues returns broker.ErrNoQueue if the work queue of a route is missing: its events would be unrouted.
func (b *Broker) checkWorkQueues(ctx context.Context, routes ...string) error {
	connecting, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	s, err := b.consume.await(connecting)
	if err != nil {
		return err
	}
	admin := &adminChannel{conn: s.conn}
	defer admin.close()
	for _, route := range routes {
		exists, err := admin.exists(broker.WorkQueue(route))
		if err == nil && !exists {
			err = fmt.Errorf("%s: %w", broker.WorkQueue(route), broker.ErrNoQueue)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// retrier is one call of RetryNow.
type retrier struct {
	*Broker
	route string
	pick  func(broker.StoredDelivery) bool
	given map[broker.Fingerprint]bool // an event that fails again at once comes back to a delay queue during the call
	n     int
}

// visit gives a picked message of a delay queue to its route.
func (r *retrier) visit(ctx context.Context, d amqp.Delivery) (decision, error) {
	now := time.Now()
	if broker.RouteOfWorkQueue(d.RoutingKey) != r.route || dueTime(d, now).Sub(now) < soon {
		return keepMessage, nil
	}
	stored := readWaiting(d, r.route)
	fingerprint := broker.FingerprintOf(stored.Event)
	if r.given[fingerprint] || !r.pick(stored) {
		return keepMessage, nil
	}
	if err := r.flushFirst(ctx, r.n == 0); err != nil {
		return keepMessage, fmt.Errorf("no event was given to its route: %w", err)
	}
	r.given[fingerprint] = true
	q := readQueuedEvent(d, now)
	q.due = now.Truncate(time.Millisecond) // and not zero: a dead letter that was refused stays one
	m := q.message(ReturnExchange, r.route)
	publishing, cancel := context.WithTimeout(context.WithoutCancel(ctx), replayTime)
	defer cancel()
	if err := r.publisher.publish(publishing, &m); err != nil {
		return keepMessage, fmt.Errorf("retry %s now: %w", stored.Event.ID, r.explainReplay(err, &m))
	}
	r.n++
	return removeMessage, nil
}
