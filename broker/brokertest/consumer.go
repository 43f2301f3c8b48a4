package brokertest

import (
	"context"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// held is a delivery in the hands of the test; it stays there until the test answers.
type held struct {
	event.Delivery
	outcome chan<- broker.Outcome
}

// answer says what becomes of the delivery. It is called once.
func (h held) answer(o broker.Outcome) { h.outcome <- o }

// consumer is a running Consume that hands each delivery to the test.
type consumer struct {
	route      string
	deliveries chan held
	cancel     context.CancelFunc
	ended      chan error
}

// start consumes a route until the test stops it or ends.
func start(t *testing.T, line Broker, r broker.Route) *consumer {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := &consumer{route: r.Name, deliveries: make(chan held), cancel: cancel, ended: make(chan error, 1)}
	over := t.Context().Done()
	go func() {
		c.ended <- line.Consume(ctx, r, func(_ context.Context, d event.Delivery) broker.Outcome {
			outcome := make(chan broker.Outcome, 1)
			select {
			case c.deliveries <- held{d, outcome}:
			case <-over:
				return broker.Requeue()
			}
			select {
			case o := <-outcome:
				return o
			case <-over:
				return broker.Requeue()
			}
		})
		close(c.ended)
	}()
	t.Cleanup(func() {
		cancel()
		for range c.ended { // until it is closed: wait may have had the error
		}
	})
	return c
}

// next waits for the next delivery, which nobody has died with.
func (c *consumer) next(t *testing.T) held {
	t.Helper()
	h := c.any(t)
	if h.Redelivered {
		t.Errorf("event %s comes as if a process had died with it", h.Event.ID)
	}
	return h
}

// nextRedelivered waits for the next delivery, which a process has died with.
func (c *consumer) nextRedelivered(t *testing.T) held {
	t.Helper()
	h := c.any(t)
	if !h.Redelivered {
		t.Errorf("event %s comes as if no process had died with it", h.Event.ID)
	}
	return h
}

func (c *consumer) any(t *testing.T) held {
	t.Helper()
	ctx := patient(t)
	select {
	case h := <-c.deliveries:
		if h.Route != c.route {
			t.Errorf("a delivery of route %q says that it is of %q", c.route, h.Route)
		}
		return h
	case err, running := <-c.ended:
		t.Fatalf("Consume of route %s ended (%v) while an event was awaited: %v", c.route, !running, err)
	case <-ctx.Done():
		t.Fatalf("route %s: no delivery came", c.route)
	}
	panic("unreachable")
}

// stop ends the Consume and waits for it. What the test holds must have been answered, or be answered elsewhere;
// deliveries that it never looked at go back.
func (c *consumer) stop(t *testing.T) {
	t.Helper()
	c.cancel()
	c.wait(t)
}

// wait waits for a Consume whose context has ended.
func (c *consumer) wait(t *testing.T) {
	t.Helper()
	ctx := patient(t)
	for {
		select {
		case h := <-c.deliveries:
			h.answer(broker.Requeue())
		case err := <-c.ended:
			if err != nil {
				t.Errorf("Consume of route %s after its context ended: %v, want nil", c.route, err)
			}
			return
		case <-ctx.Done():
			t.Fatalf("Consume of route %s does not return after its context ended", c.route)
		}
	}
}

// drain takes n events off a route, acknowledges them and shows that there are no more.
func drain(t *testing.T, line Broker, r broker.Route, n int) []event.Delivery {
	t.Helper()
	c := start(t, line, r)
	var got []event.Delivery
	for range n {
		h := c.next(t)
		h.answer(broker.Ack())
		got = append(got, h.Delivery)
	}
	c.stop(t)
	expectWaiting(t, line, broker.RoleWork, r.Name, 0)
	return got
}
