package rabbitmq

import (
	"context"
	"fmt"
	"time"

	"github.com/hookline/hookline/pkg/broker"
)

// Dead is broker.DeadLetters'. While it runs it holds what it has seen: two processes that look at once each see a part.
// RabbitMQ 3.10 puts what a look has seen that ended early behind the rest.
func (l *Line) Dead(ctx context.Context, route string, see func(broker.DeadLetter) bool) error {
	return l.walk(ctx, route, func(dead broker.DeadLetter) (next, error) {
		if see(dead) {
			return keepIt, nil
		}
		return endWalk, nil
	})
}

// Replay is broker.DeadLetters'. A replayed event starts with attempt 1 and without its errors. One that is replayed and
// dies again meanwhile stays.
func (l *Line) Replay(ctx context.Context, route string, pick func(broker.DeadLetter) bool) (int, error) {
	n := 0
	began, replayed := time.Now(), map[string]bool{}
	err := l.walk(ctx, route, func(dead broker.DeadLetter) (next, error) {
		identity := dead.Event.Source + " " + dead.Event.ID
		diedAgain := replayed[identity] && dead.Died.After(began)
		if diedAgain || !pick(dead) {
			return keepIt, nil
		}
		if err := l.publisher.publish(ctx, record{event: dead.Event, attempt: 1}.write(broker.ReturnExchange, route)); err != nil {
			return endWalk, fmt.Errorf("replay %s: %w", dead.Event.ID, err)
		}
		n++
		replayed[identity] = true
		return removeIt, nil
	})
	return n, err
}

// Discard is broker.DeadLetters'.
func (l *Line) Discard(ctx context.Context, route string, pick func(broker.DeadLetter) bool) (int, error) {
	n := 0
	err := l.walk(ctx, route, func(dead broker.DeadLetter) (next, error) {
		if !pick(dead) {
			return keepIt, nil
		}
		n++
		return removeIt, nil
	})
	return n, err
}

// next says how a walk goes on after a dead letter.
type next int

const (
	keepIt next = iota
	removeIt
	endWalk // and keep it
)

// walk takes dead letters until the queue is empty, and gives back at the end what was not removed. It does not ask the
// queue for its length, which lags behind what the last walk gave back.
// It is not a consumer and the queue's x-delivery-limit is out of reach, so that nothing is lost by looking.
func (l *Line) walk(ctx context.Context, route string, visit func(broker.DeadLetter) (next, error)) error {
	l.looking.Lock()
	defer l.looking.Unlock()
	fail := func(err error) error { return fmt.Errorf("rabbitmq: dead letters of %s: %w", route, err) }
	s, err := l.consume.await(ctx)
	if err != nil {
		return fail(err)
	}
	ch, err := s.conn.Channel()
	if err != nil {
		return fail(err)
	}
	defer func() { _ = ch.Close() }() // what is still held goes back
	var last uint64
	held := false
	for {
		if err := ctx.Err(); err != nil {
			return fail(err)
		}
		d, ok, err := ch.Get(broker.DeadQueue(route), false)
		if err != nil {
			return fail(err)
		}
		if !ok {
			break
		}
		decision, err := visit(deadLetter(d, route, time.Now()))
		if err != nil {
			return fail(err)
		}
		if decision == removeIt {
			if err := d.Ack(false); err != nil {
				return fail(err)
			}
			continue
		}
		last, held = d.DeliveryTag, true
		if decision == endWalk {
			break
		}
	}
	if !held {
		return nil
	}
	if err := ch.Nack(last, true, true); err != nil { // all at once, so that they keep their order
		return fail(err)
	}
	return nil
}
