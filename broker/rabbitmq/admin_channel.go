package rabbitmq

import (
	"errors"
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
)

// adminChannel declares and inspects objects. RabbitMQ answers an error by closing the channel; then adminChannel opens
// another one for the next call.
type adminChannel struct {
	conn *amqp.Connection
	ch   *amqp.Channel
}

func (a *adminChannel) do(call func(*amqp.Channel) error) error {
	if a.ch == nil || a.ch.IsClosed() {
		ch, err := a.conn.Channel()
		if err != nil {
			return fmt.Errorf("open channel: %w", err)
		}
		a.ch = ch
	}
	return call(a.ch)
}

// queue inspects a queue without declaring it.
func (a *adminChannel) queue(name string) (found amqp.Queue, err error) {
	err = a.do(func(ch *amqp.Channel) error {
		found, err = inspectQueue(ch, name)
		return err
	})
	return found, err
}

// inspectQueue declares a queue passively: it returns the numbers of ready messages and consumers, or an error if the queue is
// missing.
func inspectQueue(ch *amqp.Channel, name string) (amqp.Queue, error) {
	return ch.QueueDeclarePassive(name, true, false, false, false, nil)
}

// bind binds the work queue of a route to the events by a pattern.
func (a *adminChannel) bind(route, pattern string) error {
	return a.do(func(ch *amqp.Channel) error {
		return ch.QueueBind(broker.WorkQueue(route), pattern, EventsExchange, false, nil)
	})
}

// unbind removes a binding of the work queue of a route.
func (a *adminChannel) unbind(route, pattern string) error {
	return a.do(func(ch *amqp.Channel) error {
		return ch.QueueUnbind(broker.WorkQueue(route), pattern, EventsExchange, nil)
	})
}

// exists reports whether a queue exists.
func (a *adminChannel) exists(queue string) (bool, error) {
	_, err := a.queue(queue)
	if err != nil && !missing(err) {
		return false, fmt.Errorf("queue %s: %w", queue, err)
	}
	return err == nil, nil
}

// depth returns how many messages are ready in a queue, and 0 if the queue does not exist.
func (a *adminChannel) depth(queue string) (int64, error) {
	found, err := a.queue(queue)
	if err != nil && !missing(err) {
		return 0, fmt.Errorf("queue %s: %w", queue, err)
	}
	return int64(found.Messages), nil
}

func (a *adminChannel) close() {
	if a.ch != nil {
		_ = a.ch.Close() // it may be closed already
	}
}

// forbidden reports whether err says that this user lacks the permission.
func forbidden(err error) bool { return hasCode(err, amqp.AccessRefused) }

// missing reports whether err says that an object does not exist.
func missing(err error) bool { return hasCode(err, amqp.NotFound) }

func hasCode(err error, code int) bool {
	var e *amqp.Error
	return errors.As(err, &e) && e.Code == code
}
