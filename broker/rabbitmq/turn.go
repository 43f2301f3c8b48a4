package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
)

// handOver is how long a process that has its turn at emitting waits before it uses it: by then the one before has noticed that
// its connection is lost, which takes it three heartbeats at most, and the ledger says what it has emitted.
const handOver = 3*heartbeat + 5*time.Second

// Leads implements broker.Leader. A process whose RabbitMQ user may not consume the queue of the audit, as a receiver's, never leads it.
func (l *Broker) Leads(ctx context.Context, role broker.LeaderRole) (bool, error) {
	if role == broker.LeadAudit {
		since, err := l.keeps.ask(ctx, l.consume)
		if errors.Is(err, errMayNot) {
			return false, nil
		}
		return !since.IsZero(), err
	}
	since, err := l.emits.ask(ctx, l.consume)
	return !since.IsZero() && time.Since(since) > handOver, err
}

// turn is what one process has of all that ask for it: the one that consumes a queue, which is always empty. When its
// connection ends, another one can have it.
type turn struct {
	queue  string
	asking chan struct{} // capacity 1
	taken  *amqp.Channel // nil: another process has it
	since  time.Time
	mayNot bool // our user may not have it
}

func newTurn(queue string) *turn { return &turn{queue: queue, asking: make(chan struct{}, 1)} }

var errMayNot = errors.New("our user may not read it; import deployments/rabbitmq/permissions.json again")

// ask tells since when it is our turn, and takes it if nobody has it; the zero time if it is another's. It waits for a connection.
func (t *turn) ask(ctx context.Context, consume *connection) (since time.Time, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("rabbitmq: turn at %s: %w", t.queue, err)
		}
	}()
	select {
	case t.asking <- struct{}{}:
		defer func() { <-t.asking }()
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
	if t.mayNot { // asking again would be another error in the broker's log
		return time.Time{}, errMayNot
	}
	if t.taken != nil {
		if q, err := t.look(t.taken); err == nil && q.Consumers == 1 {
			return t.since, nil
		}
		_ = t.taken.Close() // the connection has ended, or the queue was made anew and knows nobody
		t.taken = nil
	}
	s, err := consume.await(ctx)
	if err != nil {
		return time.Time{}, err
	}
	return t.apply(s)
}

// apply takes the turn if nobody has it. Of two that do at once each sees the other, and neither has it.
func (t *turn) apply(s *session) (since time.Time, err error) {
	ch, err := s.conn.Channel()
	if err != nil {
		return time.Time{}, fmt.Errorf("open channel: %w", err)
	}
	defer func() {
		if since.IsZero() {
			_ = ch.Close()
		}
	}()
	if q, err := t.look(ch); err != nil || q.Consumers > 0 {
		return time.Time{}, err
	}
	deliveries, err := ch.Consume(t.queue, "", false, false, false, false, nil)
	if forbidden(err) {
		t.mayNot = true
		return time.Time{}, errMayNot
	}
	if err != nil {
		return time.Time{}, err
	}
	if q, err := t.look(ch); err != nil || q.Consumers > 1 {
		return time.Time{}, err
	}
	t.taken, t.since = ch, time.Now()
	go func() {
		for range deliveries { // until the queue is deleted, or the connection ends
		}
		_ = ch.Close()
	}()
	return t.since, nil
}

func (t *turn) look(ch *amqp.Channel) (amqp.Queue, error) {
	return ch.QueueDeclarePassive(t.queue, true, false, false, false, nil)
}
