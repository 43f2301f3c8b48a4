package rabbitmq

import (
	"context"
	"errors"
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
)

// ledgerPublisher publishes one message at a time to the ledger, on a channel of its own. RabbitMQ closes the channel if the
// ledger is missing or this user may not write it, and the events' channel has to stay open. A ledger that confirms nothing
// does not end the session either: heartbeats detect a dead connection. It is not safe for concurrent use.
type ledgerPublisher struct {
	conn    *connection
	ch      *amqp.Channel // nil: none is open
	returns <-chan amqp.Return
	closed  <-chan *amqp.Error
}

// ready returns nil if the ledger's connection can publish now.
func (p *ledgerPublisher) ready() error { return p.conn.ready() }

// publish returns nil when m is stored. After an error m may be stored, too.
func (p *ledgerPublisher) publish(ctx context.Context, m message) error {
	s, err := p.conn.await(ctx)
	if err != nil {
		return err
	}
	if s.blocked.Load() {
		return fmt.Errorf("%s: %w", s.address, broker.ErrBlocked)
	}
	if p.ch == nil || p.ch.IsClosed() {
		if err := p.open(s); err != nil {
			return err
		}
	}
	confirm, err := p.ch.PublishWithDeferredConfirm(m.exchange, m.key, true, false, m.Publishing)
	if err == nil {
		select {
		case <-confirm.Done():
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err != nil {
		p.close() // so that a late return is not taken for the next message's
		return err
	}
	err = p.answer(confirm)
	if missing(err) { // the ledger was deleted: declare it again, if this user may
		err = errors.Join(err, p.conn.declare(s))
	}
	return err
}

// answer returns nil for a stored message. A returned message means that the exchange lacks its bindings.
func (p *ledgerPublisher) answer(confirm *amqp.DeferredConfirmation) error {
	if confirm.Acked() {
		select {
		case r := <-p.returns:
			return &amqp.Error{Code: amqp.NotFound, Reason: "no stream is bound to " + r.Exchange}
		default:
			return nil
		}
	}
	select {
	case err := <-p.closed:
		return ended("channel", err)
	default:
		return fmt.Errorf("%w: negative confirm", broker.ErrRefused)
	}
}

func (p *ledgerPublisher) open(s *session) error {
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

func (p *ledgerPublisher) close() {
	if p.ch != nil {
		go func(ch *amqp.Channel) { _ = ch.Close() }(p.ch) // Close waits for RabbitMQ, which may not read now; the channel may be closed already
		p.ch = nil
	}
}
