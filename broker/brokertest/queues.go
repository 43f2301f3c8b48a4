package brokertest

import (
	"testing"

	"github.com/hookline/hookline/broker"
)

func queues() []promise {
	return []promise{
		{"events are counted by route", countsByRoute},
		{"a running delivery does not count as waiting", runningIsNotWaiting},
	}
}

func countsByRoute(t *testing.T, open Open) {
	first, second, idle := route("first", "alma.#"), route("second", "#"), route("idle", "github.#")
	b := open(t, []broker.Route{first, second, idle})
	publish(t, b, series(3)...)
	publish(t, b, newEvent("other", "zoom", "meeting"))
	expectWaiting(t, b, broker.RoleWork, "first", 3)
	expectWaiting(t, b, broker.RoleWork, "second", 4)
	expectWaiting(t, b, broker.RoleWork, "idle", 0)
	expectWaiting(t, b, broker.RoleDead, "", 0)
	expectWaiting(t, b, broker.RoleRetry, "", 0)
	all, err := b.Queues(patient(t))
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

func runningIsNotWaiting(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	publish(t, b, newEvent("1", "alma", "job_end"))
	expectWaiting(t, b, broker.RoleWork, r.Name, 1)
	c := start(t, b, r)
	h := c.next(t)
	expectWaiting(t, b, broker.RoleWork, r.Name, 0)
	h.answer(broker.Requeue())
	c.next(t).answer(broker.Ack())
}
