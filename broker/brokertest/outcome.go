package brokertest

import (
	"errors"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
)

func outcomes() []promise {
	return []promise{
		{"Ack removes the event", ackRemoves},
		{"Retry comes back with the next attempt, not too early, on its own route only", retryComesBack},
		{"Retry without a delay comes back", retryAtOnce},
		{"a waiting retry is counted and holds up nobody", retryWaitsApart},
		{"Requeue comes back with the same attempt, not as a crash", requeueKeepsTheAttempt},
	}
}

func ackRemoves(t *testing.T, open Open) {
	r := route("archive", "#")
	line := open(t, []broker.Route{r})
	publish(t, line, series(3)...)
	expectIDs(t, drain(t, line, r, 3), "0", "1", "2")
	publish(t, line, newEvent("later", "alma", "job_end"))
	expectIDs(t, drain(t, line, r, 1), "later")
	expectWaiting(t, line, broker.RoleDead, r.Name, 0)
}

func retryComesBack(t *testing.T, open Open) {
	// tick is how far two clocks that count milliseconds can seem apart.
	const tick = 5 * time.Millisecond
	failing, fine := route("failing", "#"), route("fine", "alma.#")
	line := open(t, []broker.Route{failing, fine})
	e := newEvent("1", "alma", "job_end")
	publish(t, line, e)
	c := start(t, line, failing)
	for i, after := range []time.Duration{time.Second, 1500 * time.Millisecond} {
		h := c.next(t)
		if h.Attempt != i+1 {
			t.Errorf("attempt %d, want %d", h.Attempt, i+1)
		}
		expectEvent(t, h.Event, e)
		asked := time.Now()
		h.answer(broker.Retry(after, "error", errors.New("no answer")))
		again := c.next(t)
		if waited := time.Since(asked); waited < after-tick {
			t.Errorf("came back after %v, want not earlier than %v", waited, after)
		}
		if again.Attempt != i+2 {
			t.Errorf("came back as attempt %d, want %d", again.Attempt, i+2)
		}
		expectEvent(t, again.Event, e)
		again.answer(broker.Requeue())
	}
	c.next(t).answer(broker.Ack())
	c.stop(t)
	for _, d := range drain(t, line, fine, 1) {
		if d.Attempt != 1 {
			t.Errorf("the other route sees attempt %d", d.Attempt)
		}
	}
}

func retryAtOnce(t *testing.T, open Open) {
	r := route("archive", "#")
	line := open(t, []broker.Route{r})
	publish(t, line, newEvent("1", "alma", "job_end"))
	c := start(t, line, r)
	c.next(t).answer(broker.Retry(0, "error", nil))
	again := c.next(t)
	if again.Attempt != 2 {
		t.Errorf("attempt %d, want 2", again.Attempt)
	}
	again.answer(broker.Ack())
	c.stop(t)
	expectWaiting(t, line, broker.RoleRetry, "", 0)
}

func retryWaitsApart(t *testing.T, open Open) {
	r := route("archive", "#")
	line := open(t, []broker.Route{r})
	c := start(t, line, r)
	for _, e := range series(5) {
		publish(t, line, e)
		h := c.next(t)
		if h.Event.ID != e.ID {
			t.Errorf("event %s came before %s", h.Event.ID, e.ID)
		}
		h.answer(broker.Retry(time.Hour, "error", errors.New("try tomorrow")))
	}
	expectWaiting(t, line, broker.RoleRetry, "", 5)
	expectWaiting(t, line, broker.RoleWork, r.Name, 0)
}

func requeueKeepsTheAttempt(t *testing.T, open Open) {
	r := route("archive", "#")
	line := open(t, []broker.Route{r})
	e := newEvent("1", "alma", "job_end")
	publish(t, line, e)
	c := start(t, line, r)
	for range 5 {
		h := c.next(t)
		if h.Attempt != 1 {
			t.Errorf("attempt %d, want 1", h.Attempt)
		}
		expectEvent(t, h.Event, e)
		h.answer(broker.Requeue())
	}
	c.next(t).answer(broker.Ack())
	c.stop(t)
	expectWaiting(t, line, broker.RoleWork, r.Name, 0)
}
