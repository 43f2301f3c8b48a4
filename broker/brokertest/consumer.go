package brokertest

import (
	"context"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// held is a delivery that waits for the answer of the test.
type held struct {
	event.Delivery
	outcome chan<- broker.Outcome
}

// answer ends the delivery with an outcome. Call it once.
func (h held) answer(o broker.Outcome) { h.outcome <- o }

// consumer is a running Consume that passes each delivery to the test.
type consumer struct {
	route      string
	deliveries chan held
	cancel     context.CancelFunc
	ended      chan error
}

// start consumes a route until the test stops it or ends.
func start(t *testing.T, b Broker, r broker.Route) *consumer {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := &consumer{route: r.Name, deliveries: make(chan held), cancel: cancel, ended: make(chan error, 1)}
	over := t.Context().Done()
	go func() {
		c.ended <- b.Consume(ctx, r, func(_ context.Context, d event.Delivery) broker.Outcome {
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

// next waits for the next delivery, and shows that it is not Redelivered.
func (c *consumer) next(t *testing.T) held {
	t.Helper()
	h := c.any(t)
	if h.Redelivered {
		t.Errorf("event %s is redelivered", h.Event.ID)
	}
	return h
}

// nextRedelivered waits for the next delivery, and shows that it is Redelivered.
func (c *consumer) nextRedelivered(t *testing.T) held {
	t.Helper()
	h := c.any(t)
	if !h.Redelivered {
		t.Errorf("event %s is not redelivered", h.Event.ID)
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

// stop ends the Consume and waits for it. The test must answer the deliveries that it holds. Deliveries that it has not received return
// to the queue.
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

// drain handles n events of a route, and shows that its queue is empty then.
func drain(t *testing.T, b Broker, r broker.Route, n int) []event.Delivery {
	t.Helper()
	c := start(t, b, r)
	var got []event.Delivery
	for range n {
		h := c.next(t)
		h.answer(broker.Ack())
		got = append(got, h.Delivery)
	}
	c.stop(t)
	expectWaiting(t, b, broker.RoleWork, r.Name, 0)
	return got
}
