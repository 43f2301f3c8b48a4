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

// errLost says that the session ended before the confirm came.
var errLost = errors.New("the connection was lost before the confirm")

// publisher publishes over the sessions of its connection: mandatory, persistent, confirmed, many messages at once.
type publisher struct {
	conn    *connection
	slots   *semaphore.Weighted
	metrics *metrics
}

func newPublisher(c *connection, m *metrics) *publisher {
	return &publisher{conn: c, slots: semaphore.NewWeighted(maxInFlight), metrics: m}
}

// publish returns nil when RabbitMQ has confirmed m and did not return it. If the confirm is lost with its session, publish
// publishes m again on the next one.
func (p *publisher) publish(ctx context.Context, m *message) error {
	if len(m.Body) > broker.MaxBody {
		return fmt.Errorf("%w: %d bytes are more than the %d that RabbitMQ takes", broker.ErrRefused, len(m.Body), broker.MaxBody)
	}
	weight := int64(1 + len(m.Body)/slotSize)
	if err := p.slots.Acquire(ctx, weight); err != nil {
		return fmt.Errorf("%w: too many messages wait for their confirm", broker.ErrBlocked)
	}
	for sent := false; ; sent = true {
		s, err := p.session(ctx)
		if err != nil {
			p.slots.Release(weight)
			if sent {
				return fmt.Errorf("%w: %s", broker.ErrUnknown, err.Error()) // err is not wrapped, because RabbitMQ may have stored m before the connection was lost
			}
			return err
		}
		began := time.Now()
		if confirm, err := s.send(m); err == nil {
			select {
			case <-confirm.Done():
			case <-ctx.Done():
				go p.releaseLater(s, confirm, m.messageKey(), weight)
				return fmt.Errorf("%s: %w", s.address, broker.ErrUnknown)
			}
			if err := s.answer(confirm, m.messageKey()); !errors.Is(err, errLost) {
				p.slots.Release(weight)
				p.metrics.confirm.Observe(time.Since(began).Seconds())
				return err
			}
		}
		select {
		case <-s.over:
		case <-ctx.Done():
		}
	}
}

// releaseLater releases the slots of a message whose caller has gone, when its confirm comes or the session ends.
func (p *publisher) releaseLater(s *session, confirm *amqp.DeferredConfirmation, key messageKey, weight int64) {
	defer p.slots.Release(weight)
	<-confirm.Done()
	_ = s.answer(confirm, key)
}

// session returns the current session, or waits for the next one.
func (p *publisher) session(ctx context.Context) (*session, error) {
	s, lost := p.conn.now()
	if s == nil {
		ctx, cancel := context.WithDeadline(ctx, lost.Add(maxWait))
		defer cancel()
		var err error
		if s, err = p.conn.await(ctx); err != nil {
			return nil, err
		}
	}
	if s.blocked.Load() {
		return nil, fmt.Errorf("%s: %w", s.address, broker.ErrBlocked)
	}
	return s, nil
}
