package rabbitmq

import (
	"context"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// Unrouted is broker.Unrouted's. What Dead says of a look holds for this one, too.
func (l *Broker) Unrouted(ctx context.Context, see func(event.Event) bool) error {
	return l.look(ctx, kept{queue: broker.UnroutedQueue}, func(d amqp.Delivery) bool { return see(decode(d, time.Now())) })
}

// ReplayUnrouted is broker.Unrouted's. It publishes the event again, if a route of the configuration matches it. An
// event is replayed once in a call: a copy of it stays, which may be the same one come back since RabbitMQ lacks the
// route's binding.
func (l *Broker) ReplayUnrouted(ctx context.Context, pick func(event.Event) bool) (int, error) {
	replayed := map[broker.Mark]bool{}
	return l.move(ctx, kept{queue: broker.UnroutedQueue}, func(d amqp.Delivery) (message, bool) {
		e := decode(d, time.Now())
		key, mark := e.Key(), broker.MarkOf(e)
		if !pick(e) || replayed[mark] || l.matcher.Match(key) == nil {
			return message{}, false
		}
		replayed[mark] = true
		return message{EventsExchange, key, encode(e)}, true
	})
}

// DiscardUnrouted is broker.Unrouted's.
func (l *Broker) DiscardUnrouted(ctx context.Context, pick func(event.Event) bool) (int, error) {
	return l.remove(ctx, kept{queue: broker.UnroutedQueue}, func(d amqp.Delivery) bool { return pick(decode(d, time.Now())) })
}
