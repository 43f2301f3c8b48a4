package rabbitmq

import (
	"context"
	"errors"
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"
	"golang.org/x/sync/semaphore"

	"github.com/hookline/hookline/broker"
)

// serialPublisher publishes one message at a time, on a channel of its own. RabbitMQ closes a channel over one message: if it is larger
// than max_message_size, if this user may not publish it, or if the exchange is missing. Here it then closes no channel of other
// messages. A channel that confirms nothing does not end the session either: heartbeats detect a dead connection.
type serialPublisher struct {
	conn  *connection
	await func(context.Context) (*session, error)
	turn  *semaphore.Weighted // of the one message

	ch      *amqp.Channel // nil: none is open
	returns <-chan amqp.Return
	closed  <-chan *amqp.Error
}

// newSerialPublisher returns a publisher for events. Without a connection it waits up to maxWait for the next one.
func newSerialPublisher(c *connection) *serialPublisher {
	await := func(ctx context.Context) (*session, error) { return publishingSession(ctx, c) }
	return &serialPublisher{conn: c, await: await, turn: semaphore.NewWeighted(1)}
}

// newLedgerPublisher returns a publisher for the ledger. Without a connection it waits for the next one.
func newLedgerPublisher(c *connection) *serialPublisher {
	return &serialPublisher{conn: c, await: c.await, turn: semaphore.NewWeighted(1)}
}

// ready returns nil if the connection can publish now.
func (p *serialPublisher) ready() error { return p.conn.ready() }

// publish returns nil when m is stored. If RabbitMQ closed the channel over m, the error is that of refusal. After errLost and
// broker.ErrUnknown m may be stored, too.
func (p *serialPublisher) publish(ctx context.Context, m *message) error {
	if p.turn.Acquire(ctx, 1) != nil {
		return fmt.Errorf("%w: other messages wait for their confirms", broker.ErrBlocked)
	}
	defer p.turn.Release(1)
	s, err := p.await(ctx)
	if err != nil {
		return err
	}
	if s.blocked.Load() {
		return fmt.Errorf("%s: %w", s.address, broker.ErrBlocked)
	}
	if p.ch == nil || p.ch.IsClosed() {
		if err := p.open(s); err != nil {
			return fmt.Errorf("%s: %w: %w", s.address, errLost, err)
		}
	}
	confirm, err := p.ch.PublishWithDeferredConfirm(m.exchange, m.key, true, false, m.Publishing)
	if err != nil {
		p.close()
		return fmt.Errorf("%s: %w: %w", s.address, errLost, err)
	}
	select {
	case <-confirm.Done():
	case <-ctx.Done():
		p.close() // so that a late return is not taken for the next message's
		return fmt.Errorf("%s: %w", s.address, broker.ErrUnknown)
	}
	return p.answer(s, m, confirm)
}

// answer returns nil for a stored message. If the exchange or its queue was deleted, it declares both again, if this user may.
func (p *serialPublisher) answer(s *session, m *message, confirm *amqp.DeferredConfirmation) error {
	err := p.refused(s, m, confirm)
	if missing(err) {
		err = errors.Join(err, p.conn.declare(s))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.address, err)
	}
	return nil
}

// refused returns why m was not stored, and nil if it was.
func (p *serialPublisher) refused(s *session, m *message, confirm *amqp.DeferredConfirmation) error {
	switch {
	case confirm.Acked():
		select {
		case _, returned := <-p.returns:
			if !returned { // the channel was closed since
				return nil
			}
			return fmt.Errorf("%w: %w", broker.ErrRefused, &amqp.Error{Code: amqp.NotFound, Reason: "no queue is bound to " + m.exchange + " for " + m.key})
		default:
			s.refused.remove(m)
			return nil
		}
	case !p.ch.IsClosed():
		p.close() // RabbitMQ 3.10 never tells a channel that a full queue without its limit takes messages again
		return errNegative
	}
	cause := <-p.closed // nil if this side closed the connection
	if err := refusal(cause); err != nil {
		s.refused.add(m, cause)
		return err
	}
	return fmt.Errorf("%w: %w", errLost, ended("channel", cause))
}

func (p *serialPublisher) open(s *session) error {
	ch, err := s.conn.Channel()
	if err != nil {
		return fmt.Errorf("open channel: %w", err)
	}
	p.ch = ch
	p.returns = ch.NotifyReturn(make(chan amqp.Return, 1))
	p.closed = ch.NotifyClose(make(chan *amqp.Error, 1))
	if err := ch.Confirm(false); err != nil {
		p.close()
		return fmt.Errorf("confirm mode: %w", err)
	}
	return nil
}

func (p *serialPublisher) close() {
	if p.ch != nil {
		go func(ch *amqp.Channel) { _ = ch.Close() }(p.ch) // Close waits for RabbitMQ, which may not read now; the channel may be closed already
		p.ch = nil
	}
}
