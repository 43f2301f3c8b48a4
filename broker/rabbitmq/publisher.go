package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"golang.org/x/sync/semaphore"

	"github.com/hookline/hookline/broker"
)

const (
	// maxInFlight is how many messages may wait for their confirms. It keeps RabbitMQ busy, and is small enough for
	// amqp091-go, which walks through all of them when one confirm covers many.
	maxInFlight = 1024
	// slotSize is the size in bytes up to which a message takes one of these slots. A larger message takes several, so
	// that at most 64 MiB are in flight.
	slotSize = 64 << 10
	// maxWait is for how long after the loss of a connection a publish waits for the next one. A longer loss is an
	// outage: then a publish fails at once, so that requests of senders do not pile up.
	maxWait = 5 * time.Second
)

// publisher publishes over the sessions of its connection: mandatory, persistent, confirmed, many messages at once.
type publisher struct {
	conn    *connection
	slots   *semaphore.Weighted
	alone   *serialPublisher // for messages over one of which RabbitMQ closed the channel
	metrics *metrics
}

func newPublisher(c *connection, m *metrics) *publisher {
	return &publisher{conn: c, slots: semaphore.NewWeighted(maxInFlight), alone: newSerialPublisher(c), metrics: m}
}

// publish returns nil when RabbitMQ has confirmed m and did not return it. If the confirm is lost with its session, publish
// publishes m again on the next one. If RabbitMQ closed the channel over a message, m may be this message: then publish publishes m
// on another channel, where no message is beside it, and its answer there is final.
func (p *publisher) publish(ctx context.Context, m *message) error {
	if len(m.Body) > broker.MaxBody {
		return fmt.Errorf("%w: %d bytes are more than the %d that RabbitMQ takes", broker.ErrTooLarge, len(m.Body), broker.MaxBody)
	}
	weight := int64(1 + len(m.Body)/slotSize)
	if err := p.slots.Acquire(ctx, weight); err != nil {
		return fmt.Errorf("%w: too many messages wait for their confirm", broker.ErrBlocked)
	}
	for sent := false; ; sent = true {
		s, err := publishingSession(ctx, p.conn)
		if err != nil {
			p.slots.Release(weight)
			if sent {
				return fmt.Errorf("%w: %s", broker.ErrUnknown, err.Error()) // err is not wrapped, because RabbitMQ may have stored m before the connection was lost
			}
			return err
		}
		began := time.Now()
		c := s.live.Load()
		if suspect, err := s.refused.suspects(m); suspect || err != nil {
			p.slots.Release(weight)
			if err != nil {
				return err
			}
			return p.publishAlone(ctx, m)
		}
		if confirm, err := c.send(m); err == nil {
			select {
			case <-confirm.Done():
			case <-ctx.Done():
				go p.releaseLater(c, confirm, m.messageKey(), weight)
				return fmt.Errorf("%s: %w", s.address, broker.ErrUnknown)
			}
			if err := c.answer(confirm, m.messageKey()); !errors.Is(err, errLost) {
				p.slots.Release(weight)
				p.metrics.confirm.Observe(time.Since(began).Seconds())
				return err
			}
		}
		select {
		case <-c.over:
			if refusal(c.cause) != nil {
				p.slots.Release(weight)
				return p.publishAlone(ctx, m)
			}
		case <-ctx.Done():
		}
	}
}

// publishAlone publishes m on the channel for suspects. If the confirm is lost with its session, it publishes m again on the next one.
func (p *publisher) publishAlone(ctx context.Context, m *message) error {
	for {
		err := p.alone.publish(ctx, m)
		if !errors.Is(err, errLost) {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %s", broker.ErrUnknown, err.Error()) // err is not wrapped, because RabbitMQ may have stored m
		}
	}
}

// releaseLater releases the slots of a message whose caller has gone, when its confirm comes or the channel ends.
func (p *publisher) releaseLater(c *confirmChannel, confirm *amqp.DeferredConfirmation, key messageKey, weight int64) {
	defer p.slots.Release(weight)
	<-confirm.Done()
	_ = c.answer(confirm, key)
}

// publishingSession returns the current session if it is not blocked, or waits for the next one, up to maxWait after a loss.
func publishingSession(ctx context.Context, conn *connection) (*session, error) {
	s, lost := conn.now()
	if s == nil {
		ctx, cancel := context.WithDeadline(ctx, lost.Add(maxWait))
		defer cancel()
		var err error
		if s, err = conn.await(ctx); err != nil {
			return nil, err
		}
	}
	if s.blocked.Load() {
		return nil, fmt.Errorf("%s: %w", s.address, broker.ErrBlocked)
	}
	return s, nil
}
