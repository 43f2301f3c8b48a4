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
	// maxInFlight is how many messages may wait for their confirm: enough to keep a broker busy, few enough for
	// amqp091-go's bookkeeping, which walks all of them at a confirm of many.
	maxInFlight = 1024
	// slotSize is what a message may weigh for one of these slots; a bigger one takes several, so that no more than
	// 64 MiB are in flight.
	slotSize = 64 << 10
	// maxWait is for how long after the loss of a connection a publish waits for the next one. What takes longer is an
	// outage: then it fails at once, so that senders do not pile up.
	maxWait = 5 * time.Second
)

// errLost says that the session ended before the broker's answer.
var errLost = errors.New("the connection was lost before the confirm")

// message is what goes to an exchange.
type message struct {
	exchange, key string
	amqp.Publishing
}

// identity is what a returned message is known by.
type identity struct{ exchange, key, id string }

func (m *message) identity() identity { return identity{m.exchange, m.key, m.MessageId} }

// publisher publishes over its connection's sessions: mandatory, persistent, confirmed, many at once.
type publisher struct {
	conn    *connection
	slots   *semaphore.Weighted
	metrics *metrics
}

func newPublisher(l *connection, m *metrics) *publisher {
	return &publisher{conn: l, slots: semaphore.NewWeighted(maxInFlight), metrics: m}
}

// publish returns nil when the broker has confirmed m and did not return it. When a confirm is lost with its session,
// m is published again on the next one.
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
				return fmt.Errorf("%w: %s", broker.ErrUnknown, err.Error()) // not wrapped: the event may have been stored, whatever holds up the repeat
			}
			return err
		}
		began := time.Now()
		if confirm, err := s.send(m); err == nil {
			select {
			case <-confirm.Done():
			case <-ctx.Done():
				go p.giveUp(s, confirm, m.identity(), weight)
				return fmt.Errorf("%s: %w", s.address, broker.ErrUnknown)
			}
			if err := s.answer(confirm, m.identity()); !errors.Is(err, errLost) {
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

// giveUp frees the slots of a message for which nobody waits any more when the broker has answered or the session is over.
func (p *publisher) giveUp(s *session, confirm *amqp.DeferredConfirmation, m identity, weight int64) {
	defer p.slots.Release(weight)
	<-confirm.Done()
	_ = s.answer(confirm, m)
}

// session is the session to publish on now.
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

// send publishes m. After an error the session is ending.
func (s *session) send(m *message) (*amqp.DeferredConfirmation, error) {
	s.progress.sent.Add(1)
	confirm, err := s.ch.PublishWithDeferredConfirm(m.exchange, m.key, true, false, m.Publishing)
	if err != nil {
		s.progress.answered.Add(1)
	}
	return confirm, err
}

// answer says what the broker answered to m, once the confirm is done.
func (s *session) answer(confirm *amqp.DeferredConfirmation, m identity) error {
	s.progress.answered.Add(1)
	returned := s.wasReturned(m)
	switch {
	case confirm.Acked() && !returned:
		return nil
	case !confirm.Acked() && s.ch.IsClosed(): // amqp091-go resolves lost confirms as negative ones
		return errLost
	}
	s.refusing.CompareAndSwap(0, time.Now().UnixNano())
	if returned {
		return fmt.Errorf("%s: %w: no queue is bound to %s for %s", s.address, broker.ErrRefused, m.exchange, m.key)
	}
	return fmt.Errorf("%s: %w: negative confirm; a queue may have reached its length limit", s.address, broker.ErrRefused)
}
