package brokertest

import (
	"slices"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

func unrouted() []promise {
	return []promise{
		{"Replay gives the picked events to every route that matches now, and keeps the rest", replaysUnrouted},
		{"an event that still matches no route stays, however often it is replayed", keepsUnmatched},
		{"Discard removes the picked events for good", discardsUnrouted},
	}
}

// unwanted makes n events of github.push, with IDs as those of series.
func unwanted(n int) []event.Event {
	events := series(n)
	for i := range events {
		events[i].Source, events[i].Action = "github", "push"
	}
	return events
}

// expectUnrouted shows that the unrouted events are those of the IDs, oldest first.
func expectUnrouted(t *testing.T, b Broker, want ...string) {
	t.Helper()
	expectWaiting(t, b, broker.RoleUnrouted, "", len(want))
	if got := ids(list(t, b, broker.Unrouted, len(want)+1)); !slices.Equal(got, want) {
		t.Errorf("unrouted events %q, want %q", got, want)
	}
}

func replaysUnrouted(t *testing.T, open Open) {
	archive, pushes, everything := route("archive", "alma.#"), route("pushes", "*.push"), route("everything", "github.#")
	b := open(t, []broker.Route{archive})
	events := append(unwanted(5), newEvent("zoom", "zoom", "meeting"))
	publish(t, b, events...)
	expectWaiting(t, b, broker.RoleUnrouted, "", 6)

	b = open(t, []broker.Route{archive, pushes, everything})
	c := start(t, b, pushes)
	replay(t, b, broker.Unrouted, oneOf("1", "zoom"), 1)
	h := c.next(t)
	if h.Attempt != 1 {
		t.Errorf("attempt %d, want 1", h.Attempt)
	}
	expectEvent(t, h.Event, events[1])
	h.answer(broker.Ack())
	c.stop(t)
	expectUnrouted(t, b, "0", "2", "3", "4", "zoom")

	replay(t, b, broker.Unrouted, every, 4)
	expectIDs(t, drain(t, b, pushes, 4), "0", "2", "3", "4")
	expectIDs(t, drain(t, b, everything, 5), "0", "1", "2", "3", "4")
	expectUnrouted(t, b, "zoom")
	expectWaiting(t, b, broker.RoleWork, archive.Name, 0)
}

func keepsUnmatched(t *testing.T, open Open) {
	b := open(t, []broker.Route{route("archive", "alma.#")})
	publish(t, b, unwanted(3)...)
	for range 3 {
		asked := 0
		replay(t, b, broker.Unrouted, func(broker.UndeliveredEvent) bool { asked++; return true }, 0)
		if asked != 3 {
			t.Errorf("the choice of %d events was asked for, want 3", asked)
		}
	}
	expectUnrouted(t, b, "0", "1", "2")
}

func discardsUnrouted(t *testing.T, open Open) {
	r := route("archive", "alma.#")
	b := open(t, []broker.Route{r})
	publish(t, b, unwanted(3)...)
	publish(t, b, newEvent("1", "alma", "job_end"))
	discard(t, b, broker.Unrouted, oneOf("1"), 1)
	discard(t, b, broker.Unrouted, oneOf("1"), 0)
	expectUnrouted(t, b, "0", "2")
	expectIDs(t, drain(t, b, r, 1), "1")
}
