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
		{"Retry delivers the event again as the next attempt, not too early, to its own route only", retryComesBack},
		{"Retry without a delay delivers the event again", retryAtOnce},
		{"a waiting retry is counted, and delays no other event", retryWaitsApart},
		{"Postpone delivers the event again as the same attempt, not too early, after the events behind it", postponeKeepsTheAttempt},
		{"Requeue delivers the event again as the same attempt, not redelivered", requeueKeepsTheAttempt},
	}
}

func ackRemoves(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	publish(t, b, series(3)...)
	expectIDs(t, drain(t, b, r, 3), "0", "1", "2")
	publish(t, b, newEvent("later", "alma", "job_end"))
	expectIDs(t, drain(t, b, r, 1), "later")
	expectWaiting(t, b, broker.RoleDead, r.Name, 0)
}

func retryComesBack(t *testing.T, open Open) {
	// tick is the largest difference between two clocks that count milliseconds.
	const tick = 5 * time.Millisecond
	failing, fine := route("failing", "#"), route("fine", "alma.#")
	b := open(t, []broker.Route{failing, fine})
	e := newEvent("1", "alma", "job_end")
	publish(t, b, e)
	c := start(t, b, failing)
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
	for _, d := range drain(t, b, fine, 1) {
		if d.Attempt != 1 {
			t.Errorf("the other route sees attempt %d", d.Attempt)
		}
	}
}

func retryAtOnce(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	publish(t, b, newEvent("1", "alma", "job_end"))
	c := start(t, b, r)
	c.next(t).answer(broker.Retry(0, "error", nil))
	again := c.next(t)
	if again.Attempt != 2 {
		t.Errorf("attempt %d, want 2", again.Attempt)
	}
	again.answer(broker.Ack())
	c.stop(t)
	expectWaiting(t, b, broker.RoleRetry, "", 0)
}

func retryWaitsApart(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	c := start(t, b, r)
	for _, e := range series(5) {
		publish(t, b, e)
		h := c.next(t)
		if h.Event.ID != e.ID {
			t.Errorf("event %s came before %s", h.Event.ID, e.ID)
		}
		h.answer(broker.Retry(time.Hour, "error", errors.New("try tomorrow")))
	}
	expectWaiting(t, b, broker.RoleRetry, "", 5)
	expectWaiting(t, b, broker.RoleWork, r.Name, 0)
}

func postponeKeepsTheAttempt(t *testing.T, open Open) {
	const tick = 5 * time.Millisecond // see retryComesBack
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	first := newEvent("1", "alma", "job_end")
	publish(t, b, first)
	c := start(t, b, r)
	asked := time.Now()
	c.next(t).answer(broker.Postpone(time.Second))
	publish(t, b, newEvent("2", "alma", "job_end"))
	second := c.next(t)
	if second.Event.ID != "2" {
		t.Errorf("event %s came before event 2", second.Event.ID)
	}
	second.answer(broker.Ack())
	for i, o := range []broker.Outcome{
		broker.Retry(0, "error", errors.New("no answer")), broker.Postpone(0), broker.GiveUp("error", errors.New("gone")),
	} {
		h := c.next(t)
		if waited := time.Since(asked); waited < time.Second-tick || h.Attempt != min(i+1, 2) {
			t.Errorf("attempt %d came after %v, want attempt %d not earlier than after a second", h.Attempt, waited, min(i+1, 2))
		}
		expectEvent(t, h.Event, first)
		h.answer(o)
	}
	c.stop(t)
	dead := list(t, b, r.Name, 10)
	if len(dead) != 1 || dead[0].Attempts != 2 || dead[0].FirstError != "no answer" || dead[0].LastError != "gone" {
		t.Errorf("the dead letters are %+v", dead)
	}
}

func requeueKeepsTheAttempt(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	e := newEvent("1", "alma", "job_end")
	publish(t, b, e)
	c := start(t, b, r)
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
	expectWaiting(t, b, broker.RoleWork, r.Name, 0)
}
