package rabbitmq

import (
	"context"
	"errors"
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
)

// ledgerPublisher brings one message at a time to the ledger, on a channel of its own: where the ledger is missing, or our user
// may not write it, RabbitMQ closes the channel, and that must not be the one that brings events. Nor does a session end
// because its ledger confirms nothing: if the connection is dead, heartbeats tell. It is not safe for concurrent use.
type ledgerPublisher struct {
	conn    *connection
	ch      *amqp.Channel // nil: none
	returns <-chan amqp.Return
	closed  <-chan *amqp.Error
}

// bring returns nil when m is stored. After an error it may have been, too.
func (c *ledgerPublisher) bring(ctx context.Context, m message) error {
	s, err := c.conn.await(ctx)
	if err != nil {
		return err
	}
	if s.blocked.Load() {
		return fmt.Errorf("%s: %w", s.address, broker.ErrBlocked)
	}
	if c.ch == nil || c.ch.IsClosed() {
		if err := c.open(s); err != nil {
			return err
		}
	}
	confirm, err := c.ch.PublishWithDeferredConfirm(m.exchange, m.key, true, false, m.Publishing)
	if err == nil {
		select {
		case <-confirm.Done():
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err != nil {
		c.close() // what is answered late is not taken for the next one's answer
		return err
	}
	err = c.answer(confirm)
	if missing(err) { // somebody deleted it: where we may, we make it again
		err = errors.Join(err, c.conn.declarer.declare(s.conn))
	}
	return err
}

// answer says what RabbitMQ answered. A message that no queue takes is missing its exchange's bindings.
func (c *ledgerPublisher) answer(confirm *amqp.DeferredConfirmation) error {
	if confirm.Acked() {
		select {
		case r := <-c.returns:
			return &amqp.Error{Code: amqp.NotFound, Reason: "no stream is bound to " + r.Exchange}
		default:
			return nil
		}
	}
	select {
	case err := <-c.closed:
		return ended("channel", err)
	default:
		return fmt.Errorf("%w: negative confirm", broker.ErrRefused)
	}
}

func (c *ledgerPublisher) open(s *session) error {
	ch, err := s.conn.Channel()
	if err != nil {
		return fmt.Errorf("open channel: %w", err)
	}
	c.ch = ch
	c.returns = ch.NotifyReturn(make(chan amqp.Return, 1))
	c.closed = ch.NotifyClose(make(chan *amqp.Error, 1))
	if err := ch.Confirm(false); err != nil {
		c.close()
		return fmt.Errorf("confirm mode: %w", err)
	}
	return nil
}

func (c *ledgerPublisher) close() {
	if c.ch != nil {
		go func(ch *amqp.Channel) { _ = ch.Close() }(c.ch) // it waits for RabbitMQ, which may not read now; or it is closed already
		c.ch = nil
	}
}
