package rabbitmq

import (
	"context"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
)

// Dead is broker.DeadLetters'. While it runs it holds what it has seen: two processes that look at once each see a part.
// RabbitMQ 3.10 puts what a look has seen that ended early behind the rest, and gives back more than 64 out of order.
func (l *Broker) Dead(ctx context.Context, route string, see func(broker.DeadLetter) bool) error {
	return l.look(ctx, deadOf(route), func(d amqp.Delivery) bool { return see(readDeadLetter(d, route, time.Now())) })
}

// Replay is broker.DeadLetters'. A replayed event starts with attempt 1 and without its errors. One that is replayed and
// dies again meanwhile stays.
func (l *Broker) Replay(ctx context.Context, route string, pick func(broker.DeadLetter) bool) (int, error) {
	began, replayed := time.Now(), map[broker.Mark]bool{}
	return l.move(ctx, deadOf(route), func(d amqp.Delivery) (message, bool) {
		dead := readDeadLetter(d, route, time.Now())
		mark := broker.MarkOf(dead.Event)
		diedAgain := replayed[mark] && dead.Died.After(began)
		if diedAgain || !pick(dead) {
			return message{}, false
		}
		replayed[mark] = true
		return queuedEvent{event: dead.Event, attempt: 1}.message(ReturnExchange, route), true
	})
}

// Discard is broker.DeadLetters'.
func (l *Broker) Discard(ctx context.Context, route string, pick func(broker.DeadLetter) bool) (int, error) {
	return l.remove(ctx, deadOf(route), func(d amqp.Delivery) bool { return pick(readDeadLetter(d, route, time.Now())) })
}

func deadOf(route string) kept { return kept{broker.DeadQueue(route), route} }
