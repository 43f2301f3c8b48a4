package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/ledger"
)

// kept is a queue that keeps events until somebody decides.
type kept struct{ queue, route string }

// look calls see for the messages of a queue until see returns false.
func (l *Broker) look(ctx context.Context, from kept, see func(amqp.Delivery) bool) error {
	return l.walk(ctx, from, func(d amqp.Delivery) (next, error) {
		if see(d) {
			return keepIt, nil
		}
		return endWalk, nil
	})
}

// move stores what copied makes of a queue's messages, removes each that was stored, and returns how many.
func (l *Broker) move(ctx context.Context, from kept, copied func(amqp.Delivery) (m message, ok bool)) (int, error) {
	n := 0
	err := l.walk(ctx, from, func(d amqp.Delivery) (next, error) {
		m, ok := copied(d)
		if !ok {
			return keepIt, nil
		}
		if err := l.publisher.publish(ctx, &m); err != nil {
			return endWalk, fmt.Errorf("replay %s: %w", m.MessageId, err)
		}
		if from.route == "" {
			l.ledger.noteRouted(decode(d, time.Now()), l.matcher.Match(m.key))
		}
		n++
		return removeIt, nil
	})
	return n, err
}

// remove removes the messages of a queue that pick chooses, and returns how many. That is in the ledger first: where it cannot be, nothing is
// removed, since it would be missed for ever.
func (l *Broker) remove(ctx context.Context, from kept, pick func(amqp.Delivery) bool) (int, error) {
	n := 0
	err := l.walk(ctx, from, func(d amqp.Delivery) (next, error) {
		if !pick(d) {
			return keepIt, nil
		}
		if n == 0 { // a note that comes late would be wrong
			trying, cancel := context.WithTimeout(ctx, noteTime)
			defer cancel()
			if _, err := l.ledger.flush(trying); err != nil {
				return endWalk, fmt.Errorf("nothing was discarded: %w; end RabbitMQ's memory or disk alarm if there is one, or make the ledger by `hookline topology apply`", err)
			}
		}
		batch := l.ledger.noteFinished(true, ledger.Discarded, decode(d, time.Now()), from.route)
		if l.ledger.await(batch); !batch.isWritten() {
			return endWalk, errors.New("no more was discarded, since the ledger cannot be written any more; look for a memory or disk alarm of RabbitMQ, and try again")
		}
		n++
		return discardIt, nil
	})
	return n, err
}

// next says how a walk goes on after a message.
type next int

const (
	keepIt next = iota
	removeIt
	discardIt // remove it; the ledger writer knows
	endWalk   // and keep it
)

// walk takes messages until the queue is empty, and gives back at the end what was not removed. It does not ask the
// queue for its length, which lags behind what the last walk gave back.
// It is not a consumer and the queue's x-delivery-limit is out of reach, so that nothing is lost by looking.
func (l *Broker) walk(ctx context.Context, from kept, visit func(amqp.Delivery) (next, error)) error {
	l.browsing.Lock()
	defer l.browsing.Unlock()
	fail := func(err error) error { return fmt.Errorf("rabbitmq: %s: %w", from.queue, err) }
	s, err := l.consume.await(ctx)
	if err != nil {
		return fail(err)
	}
	ch, err := s.conn.Channel()
	if err != nil {
		return fail(err)
	}
	var got int64
	defer func() {
		_ = ch.Close() // what is still held goes back
		l.ledger.addHeld(from.route, -got)
	}()
	var last uint64
	held := false
	for {
		if err := ctx.Err(); err != nil {
			return fail(err)
		}
		d, ok, err := ch.Get(from.queue, false)
		if missing(err) {
			return fail(fmt.Errorf("%w; receivers and workers make it when they connect, `hookline topology apply` makes it now", broker.ErrNoQueue))
		}
		if err != nil {
			return fail(err)
		}
		if !ok {
			break
		}
		got++
		l.ledger.addHeld(from.route, 1)
		decision, err := visit(d)
		if err != nil {
			return fail(err)
		}
		if decision == discardIt {
			got--
		}
		if decision == removeIt || decision == discardIt {
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
