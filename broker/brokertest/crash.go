package brokertest

import (
	"errors"
	"testing"

	"github.com/hookline/hookline/broker"
)

func crashes() []promise {
	return []promise{
		{"what a process died with comes again as the same attempt, redelivered", comesAgain},
		{"what a process died with is remembered when the next one dies, too", isRemembered},
	}
}

func comesAgain(t *testing.T, open Open) {
	r := route("archive", "#")
	line := open(t, []broker.Route{r})
	e := newEvent("1", "alma", "job_end")
	publish(t, line, e)
	c := start(t, line, r)
	c.next(t).answer(broker.Retry(0, "error", errors.New("once")))
	c.next(t) // and it is never answered
	line.Crash(t)
	line = open(t, []broker.Route{r})
	c = start(t, line, r)
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
	expectWaiting(t, line, broker.RoleDead, r.Name, 1)
	for _, d := range list(t, line, r.Name, 10) {
		if d.Attempts != 3 || d.FirstError != "once" || d.LastError != "last" {
			t.Errorf("dead letter %+v", d)
		}
	}
}

func isRemembered(t *testing.T, open Open) {
	r := route("archive", "#")
	line := open(t, []broker.Route{r})
	publish(t, line, newEvent("1", "alma", "job_end"))
	start(t, line, r).next(t)
	line.Crash(t)
	line = open(t, []broker.Route{r})
	start(t, line, r).nextRedelivered(t)
	line.Crash(t)
	line = open(t, []broker.Route{r})
	h := start(t, line, r).nextRedelivered(t)
	if h.Attempt != 1 {
		t.Errorf("attempt %d, want 1", h.Attempt)
	}
	h.answer(broker.Ack())
	expectWaiting(t, line, broker.RoleWork, r.Name, 0)
}
