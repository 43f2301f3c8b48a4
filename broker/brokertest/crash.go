package brokertest

import (
	"errors"
	"testing"

	"github.com/hookline/hookline/broker"
)

func crashes() []promise {
	return []promise{
		{"the running deliveries of a crashed process come again as the same attempt, redelivered", comesAgain},
		{"a delivery stays redelivered when the next process crashes, too", isRemembered},
	}
}

func comesAgain(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	e := newEvent("1", "alma", "job_end")
	publish(t, b, e)
	c := start(t, b, r)
	c.next(t).answer(broker.Retry(0, "error", errors.New("once")))
	c.next(t) // and it is never answered
	b.Crash(t)
	b = open(t, []broker.Route{r})
	c = start(t, b, r)
	h := c.nextRedelivered(t)
	if h.Attempt != 2 {
		t.Errorf("attempt %d, want 2", h.Attempt)
	}
	expectEvent(t, h.Event, e)
	h.answer(broker.Retry(0, broker.ReasonCrashed, errors.New("died")))
	h = c.next(t)
	if h.Attempt != 3 {
		t.Errorf("attempt %d, want 3", h.Attempt)
	}
	h.answer(broker.GiveUp("error", errors.New("last")))
	expectWaiting(t, b, broker.RoleDead, r.Name, 1)
	for _, d := range list(t, b, r.Name, 10) {
		if d.Attempts != 3 || d.FirstError != "once" || d.LastError != "last" {
			t.Errorf("dead letter %+v", d)
		}
	}
}

func isRemembered(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	publish(t, b, newEvent("1", "alma", "job_end"))
	start(t, b, r).next(t)
	b.Crash(t)
	b = open(t, []broker.Route{r})
	start(t, b, r).nextRedelivered(t)
	b.Crash(t)
	b = open(t, []broker.Route{r})
	h := start(t, b, r).nextRedelivered(t)
	if h.Attempt != 1 {
		t.Errorf("attempt %d, want 1", h.Attempt)
	}
	h.answer(broker.Ack())
	expectWaiting(t, b, broker.RoleWork, r.Name, 0)
}
