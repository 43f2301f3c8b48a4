package brokertest

import (
	"reflect"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

func unrouted() []promise {
	return []promise{
		{"hundreds of unrouted events are seen once each in every field, oldest first", seesAllUnrouted},
		{"looking at unrouted events changes nothing, however often", looksAtUnrouted},
		{"looking at unrouted events stops when told", looksAtUnroutedNoFurther},
		{"ReplayUnrouted gives what pick chooses to every route that matches now, and keeps the rest", replaysUnrouted},
		{"an event that still matches no route stays, however often it is replayed", keepsWhatMatchesStill},
		{"DiscardUnrouted removes what pick chooses, for good", discardsUnrouted},
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

// lookUnrouted returns all unrouted events.
func lookUnrouted(t *testing.T, line Broker) []event.Event {
	t.Helper()
	var seen []event.Event
	err := line.Unrouted(patient(t), func(e event.Event) bool {
		seen = append(seen, e)
		return true
	})
	if err != nil {
		t.Fatalf("unrouted events: %v", err)
	}
	return seen
}

func expectUnrouted(t *testing.T, line Broker, want ...string) {
	t.Helper()
	expectWaiting(t, line, broker.RoleUnrouted, "", len(want))
	if seen := named(lookUnrouted(t, line)); !reflect.DeepEqual(seen, want) {
		t.Errorf("unrouted events %q, want %q", seen, want)
	}
}

func replayUnrouted(t *testing.T, line Broker, pick func(event.Event) bool, want int) {
	t.Helper()
	if n, err := line.ReplayUnrouted(patient(t), pick); n != want || err != nil {
		t.Fatalf("replayed %d, want %d: %v", n, want, err)
	}
}

func every(event.Event) bool { return true }

func seesAllUnrouted(t *testing.T, open Open) {
	line := open(t, []broker.Route{route("archive", "alma.#")})
	events := unwanted(300)
	events[1].Data, events[1].Header, events[1].ContentType = []byte{0, 255, 10}, nil, ""
	publish(t, line, events...)
	seen := lookUnrouted(t, line)
	if len(seen) != len(events) {
		t.Fatalf("%d events, want %d", len(seen), len(events))
	}
	for i, e := range seen {
		expectEvent(t, e, events[i])
	}
}

func looksAtUnrouted(t *testing.T, open Open) {
	line := open(t, []broker.Route{route("archive", "alma.#")})
	publish(t, line, unwanted(3)...)
	// More often than any limit on deliveries that a broker has by default.
	for range 25 {
		expectUnrouted(t, line, "0", "1", "2")
	}
}

func looksAtUnroutedNoFurther(t *testing.T, open Open) {
	line := open(t, []broker.Route{route("archive", "alma.#")})
	publish(t, line, unwanted(3)...)
	calls := 0
	err := line.Unrouted(patient(t), func(event.Event) bool {
		calls++
		return calls < 2
	})
	if err != nil || calls != 2 {
		t.Errorf("see was called %d times, want 2: %v", calls, err)
	}
	expectWaiting(t, line, broker.RoleUnrouted, "", 3)
}

func replaysUnrouted(t *testing.T, open Open) {
	archive, pushes, everything := route("archive", "alma.#"), route("pushes", "*.push"), route("everything", "github.#")
	line := open(t, []broker.Route{archive})
	events := append(unwanted(5), newEvent("zoom", "zoom", "meeting"))
	publish(t, line, events...)
	expectWaiting(t, line, broker.RoleUnrouted, "", 6)

	line = open(t, []broker.Route{archive, pushes, everything})
	c := start(t, line, pushes)
	replayUnrouted(t, line, func(e event.Event) bool { return e.ID == "1" || e.ID == "zoom" }, 1)
	h := c.next(t)
	if h.Attempt != 1 {
		t.Errorf("attempt %d, want 1", h.Attempt)
	}
	expectEvent(t, h.Event, events[1])
	h.answer(broker.Ack())
	c.stop(t)
	expectUnrouted(t, line, "0", "2", "3", "4", "zoom")

	replayUnrouted(t, line, every, 4)
	expectIDs(t, drain(t, line, pushes, 4), "0", "2", "3", "4")
	expectIDs(t, drain(t, line, everything, 5), "0", "1", "2", "3", "4")
	expectUnrouted(t, line, "zoom")
	expectWaiting(t, line, broker.RoleWork, archive.Name, 0)
}

func keepsWhatMatchesStill(t *testing.T, open Open) {
	line := open(t, []broker.Route{route("archive", "alma.#")})
	publish(t, line, unwanted(3)...)
	for range 3 {
		replayUnrouted(t, line, every, 0)
	}
	expectUnrouted(t, line, "0", "1", "2")
}

func discardsUnrouted(t *testing.T, open Open) {
	r := route("archive", "alma.#")
	line := open(t, []broker.Route{r})
	publish(t, line, unwanted(3)...)
	publish(t, line, newEvent("1", "alma", "job_end"))
	first := func(e event.Event) bool { return e.ID == "1" }
	for i, want := range []int{1, 0} {
		if n, err := line.DiscardUnrouted(patient(t), first); n != want || err != nil {
			t.Errorf("discard %d: %d, want %d: %v", i+1, n, want, err)
		}
	}
	expectUnrouted(t, line, "0", "2")
	expectIDs(t, drain(t, line, r, 1), "1")
}
