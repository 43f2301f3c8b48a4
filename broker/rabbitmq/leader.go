package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// errMayNotLead says that this user may not consume the leader's queue.
var errMayNotLead = errors.New("this user may not read the queue; import deployments/rabbitmq/permissions.json again")

// leader elects one of the processes that ask: the only consumer of a queue, which is always empty. When the leader's
// connection ends, another process can become the leader.
type leader struct {
	queue  string
	asking chan struct{} // capacity 1
	ch     *amqp.Channel // of the consumer; nil while another process leads
	start  time.Time     // of this process's leading
	mayNot bool          // RabbitMQ has refused the consumer of this user
}

func newLeader(queue string) *leader { return &leader{queue: queue, asking: make(chan struct{}, 1)} }

// since returns since when this process leads, and the zero time while another process leads. Without a leader it tries to
// become the leader. It waits for a connection.
func (l *leader) since(ctx context.Context, conn *connection) (since time.Time, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("rabbitmq: leader by %s: %w", l.queue, err)
		}
	}()
	select {
	case l.asking <- struct{}{}:
		defer func() { <-l.asking }()
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
	if l.mayNot { // RabbitMQ would log an error each time
		return time.Time{}, errMayNotLead
	}
	if l.ch != nil {
		if q, err := inspectQueue(l.ch, l.queue); err == nil && q.Consumers == 1 {
			return l.start, nil
		}
		_ = l.ch.Close() // the connection has ended, or the queue was declared again and has lost its consumers
		l.ch = nil
	}
	s, err := conn.await(ctx)
	if err != nil {
		return time.Time{}, err
	}
	return l.elect(s)
}

// elect makes this process the leader if the queue has no consumer. Two processes that try at once see each other, and both step back.
func (l *leader) elect(s *session) (since time.Time, err error) {
	ch, err := s.conn.Channel()
	if err != nil {
		return time.Time{}, fmt.Errorf("open channel: %w", err)
	}
	defer func() {
		if since.IsZero() {
			_ = ch.Close()
		}
	}()
	if q, err := inspectQueue(ch, l.queue); err != nil || q.Consumers > 0 {
		return time.Time{}, err
	}
	deliveries, err := ch.Consume(l.queue, "", false, false, false, false, nil)
	if forbidden(err) {
		l.mayNot = true
		return time.Time{}, errMayNotLead
	}
	if err != nil {
		return time.Time{}, err
	}
	if q, err := inspectQueue(ch, l.queue); err != nil || q.Consumers > 1 {
		return time.Time{}, err
	}
	l.ch, l.start = ch, time.Now()
	go func() {
		for range deliveries { // until the queue is deleted, or the connection ends
		}
		_ = ch.Close()
	}()
	return l.start, nil
}
