package brokertest

import (
	"testing"

	"github.com/hookline/hookline/broker"
)

func queues() []promise {
	return []promise{
		{"each route's events are counted by themselves", countsByRoute},
		{"an event in the hands of a worker does not wait", heldIsNotWaiting},
	}
}

func countsByRoute(t *testing.T, open Open) {
	first, second, idle := route("first", "alma.#"), route("second", "#"), route("idle", "github.#")
	line := open(t, []broker.Route{first, second, idle})
	publish(t, line, series(3)...)
	publish(t, line, newEvent("other", "zoom", "meeting"))
	expectWaiting(t, line, broker.RoleWork, "first", 3)
	expectWaiting(t, line, broker.RoleWork, "second", 4)
	expectWaiting(t, line, broker.RoleWork, "idle", 0)
	expectWaiting(t, line, broker.RoleDead, "", 0)
	expectWaiting(t, line, broker.RoleRetry, "", 0)
	all, err := line.Queues(patient(t))
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]broker.QueueRole{}
	for _, q := range all {
		if _, twice := named[q.Name]; twice {
			t.Errorf("queue %s is listed twice", q.Name)
		}
		named[q.Name] = q.Role
	}
	for _, r := range []broker.Route{first, second, idle} {
		if named[broker.WorkQueue(r.Name)] != broker.RoleWork || named[broker.DeadQueue(r.Name)] != broker.RoleDead {
			t.Errorf("route %s lacks a work or a dead queue: %v", r.Name, named)
		}
	}
	if named[broker.UnroutedQueue] != broker.RoleUnrouted {
		t.Errorf("no unrouted queue: %v", named)
	}
}

func heldIsNotWaiting(t *testing.T, open Open) {
	r := route("archive", "#")
	line := open(t, []broker.Route{r})
	publish(t, line, newEvent("1", "alma", "job_end"))
	expectWaiting(t, line, broker.RoleWork, r.Name, 1)
	c := start(t, line, r)
	h := c.next(t)
	expectWaiting(t, line, broker.RoleWork, r.Name, 0)
	h.answer(broker.Requeue())
	c.next(t).answer(broker.Ack())
}
