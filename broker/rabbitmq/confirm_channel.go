package rabbitmq

import (
	"fmt"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
)

// errLost says that the channel ended before the confirm came.
var errLost = fmt.Errorf("%w: the connection was lost before the confirm", broker.ErrUnknown)

// errNegative says that one of the queues of a message refused it.
var errNegative = fmt.Errorf("%w: negative confirm; a queue may have reached its length limit", broker.ErrRefused)

// confirmChannel is a channel in confirm mode that many publishes share.
type confirmChannel struct {
	session *session
	ch      *amqp.Channel
	closed  <-chan *amqp.Error // for the session
	over    chan struct{}      // closed after the channel's end, when the session has replaced it or has ended
	cause   *amqp.Error        // why RabbitMQ closed the channel or the connection; nil: it did not. Set before over is closed

	mu       sync.Mutex
	returns  chan amqp.Return
	returned map[messageKey]int // messages that RabbitMQ returned, until their confirm comes
}

func openConfirmChannel(s *session) (*confirmChannel, error) {
	ch, err := s.conn.Channel()
	if err != nil {
		return nil, fmt.Errorf("open channel: %w", err)
	}
	if err := ch.Confirm(false); err != nil {
		return nil, fmt.Errorf("confirm mode: %w", err)
	}
	return &confirmChannel{
		session: s, ch: ch, over: make(chan struct{}), returned: map[messageKey]int{},
		closed: ch.NotifyClose(make(chan *amqp.Error, 1)), returns: ch.NotifyReturn(make(chan amqp.Return, maxInFlight)),
	}, nil
}

// end marks the channel as over.
func (c *confirmChannel) end(cause *amqp.Error) {
	c.cause = cause
	close(c.over)
}

// send publishes m. After an error the channel is ending.
func (c *confirmChannel) send(m *message) (*amqp.DeferredConfirmation, error) {
	c.session.confirms.sent.Add(1)
	confirm, err := c.ch.PublishWithDeferredConfirm(m.exchange, m.key, true, false, m.Publishing)
	if err != nil {
		c.session.confirms.answered.Add(1)
	}
	return confirm, err
}

// answer returns the result of a message whose confirm is done: nil, errLost or broker.ErrRefused.
func (c *confirmChannel) answer(confirm *amqp.DeferredConfirmation, m messageKey) error {
	s := c.session
	s.confirms.answered.Add(1)
	returned := c.wasReturned(m)
	switch {
	case confirm.Acked() && !returned:
		return nil
	case !confirm.Acked() && c.ch.IsClosed(): // amqp091-go resolves lost confirms as negative ones
		return errLost
	}
	s.refusing.CompareAndSwap(0, time.Now().UnixNano())
	if returned {
		return fmt.Errorf("%s: %w: no queue is bound to %s for %s", s.address, broker.ErrRefused, m.exchange, m.routingKey)
	}
	return fmt.Errorf("%s: %w", s.address, errNegative)
}

// wasReturned reports whether RabbitMQ returned the message, and removes the return. Callers wait for the confirm first, because RabbitMQ
// sends the return of a message before its confirm.
func (c *confirmChannel) wasReturned(m messageKey) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		select {
		case r, ok := <-c.returns:
			if ok {
				c.returned[messageKey{r.Exchange, r.RoutingKey, r.MessageId}]++
				continue
			}
		default:
		}
		break
	}
	if c.returned[m] == 0 {
		return false
	}
	if c.returned[m]--; c.returned[m] == 0 {
		delete(c.returned, m)
	}
	return true
}
