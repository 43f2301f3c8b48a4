package brokertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// undelivered returns the promises about dead letters and unrouted events alike.
func undelivered() []promise {
	var all []promise
	for _, kind := range []undeliveredKind{
		{"dead letters", "archive", broker.RoleDead}, {"unrouted events", broker.Unrouted, broker.RoleUnrouted},
	} {
		for _, p := range []struct {
			sentence string
			hold     func(t *testing.T, open Open, kind undeliveredKind)
		}{
			{"pages list hundreds once each in every field, oldest first", listsPages},
			{"a page continues after events were removed, also the events at its cursor", listsAfterRemoval},
			{"a queue without events, and the page after its last event, are empty", listsNothing},
			{"a limit under 1 and a foreign cursor are errors", refusesPages},
			{"looking leaves the events and their order alone, however often and however far", looksWithoutChange},
			{"an interrupted replay leaves each event in one queue, and a repeat completes it", replaysAfterInterruption},
			{"Each visits all events, oldest first, until it is told to end", visitsEach},
			{"Get returns each event with an ID, and none for an unknown ID", getsByID},
		} {
			all = append(all, promise{kind.name + ": " + p.sentence, func(t *testing.T, open Open) { p.hold(t, open, kind) }})
		}
	}
	return all
}

type undeliveredKind struct {
	name, route string
	role        broker.QueueRole
}

// open opens a broker with a route for "alma.#", and with events as undelivered events of the kind.
func (k undeliveredKind) open(t *testing.T, open Open, events []event.Event) Broker {
	t.Helper()
	r := route("archive", "alma.#")
	b := open(t, []broker.Route{r})
	if k.route == broker.Unrouted {
		publish(t, b, events...)
	} else {
		bury(t, b, r, events)
	}
	expectWaiting(t, b, k.role, k.route, len(events))
	return b
}

// events makes n events of the kind, a millisecond after another.
func (k undeliveredKind) events(n int) []event.Event {
	events := series(n)
	for i := range events {
		events[i].Time = events[i].Time.Add(time.Duration(i) * time.Millisecond)
		if k.route == broker.Unrouted {
			events[i].Source, events[i].Action = "github", "push"
		}
	}
	return events
}

// bury gives up on the events, one after the other.
func bury(t *testing.T, b Broker, r broker.Route, events []event.Event) {
	t.Helper()
	c := start(t, b, r)
	for _, e := range events {
		publish(t, b, e)
		c.next(t).answer(broker.GiveUp("permanent", errors.New("no such loan")))
	}
	c.stop(t)
	expectWaiting(t, b, broker.RoleDead, r.Name, len(events))
}

// listPage returns a page of undelivered events, and the next cursor.
func listPage(t *testing.T, b Broker, route string, p broker.Page) ([]broker.UndeliveredEvent, string) {
	t.Helper()
	events, next, err := b.List(patient(t), route, p)
	if err != nil {
		t.Fatalf("list route %q, page %+v: %v", route, p, err)
	}
	if len(events) > p.Limit {
		t.Fatalf("a page of %d events has %d", p.Limit, len(events))
	}
	return events, next
}

// list returns all undelivered events of a route, by pages of a limit.
func list(t *testing.T, b Broker, route string, limit int) []broker.UndeliveredEvent {
	t.Helper()
	events, next := listPage(t, b, route, broker.Page{Limit: limit})
	for next != "" {
		var more []broker.UndeliveredEvent
		more, next = listPage(t, b, route, broker.Page{After: next, Limit: limit})
		events = append(events, more...)
	}
	return events
}

func ids(events []broker.UndeliveredEvent) []string {
	ids := []string{}
	for _, u := range events {
		ids = append(ids, u.Event.ID)
	}
	return ids
}

// numbers returns "from", ..., "to": IDs as those of series.
func numbers(from, to int) []string {
	ids := []string{}
	for i := from; i <= to; i++ {
		ids = append(ids, fmt.Sprint(i))
	}
	return ids
}

// oneOf picks events by their IDs.
func oneOf(ids ...string) func(broker.UndeliveredEvent) bool {
	return func(u broker.UndeliveredEvent) bool { return slices.Contains(ids, u.Event.ID) }
}

func every(broker.UndeliveredEvent) bool { return true }

// discard discards picked events, and shows that their number is n.
func discard(t *testing.T, b Broker, route string, pick func(broker.UndeliveredEvent) bool, n int) {
	t.Helper()
	if discarded, err := b.Discard(patient(t), route, pick); discarded != n || err != nil {
		t.Fatalf("discarded %d, want %d: %v", discarded, n, err)
	}
}

// replay replays picked events, and shows that their number is n.
func replay(t *testing.T, b Broker, route string, pick func(broker.UndeliveredEvent) bool, n int) {
	t.Helper()
	if replayed, err := b.Replay(patient(t), route, pick); replayed != n || err != nil {
		t.Fatalf("replayed %d, want %d: %v", replayed, n, err)
	}
}

func replaysAfterInterruption(t *testing.T, open Open, kind undeliveredKind) {
	const n = 5
	r := route("archive", "alma.#")
	if kind.route == broker.Unrouted {
		r.Match = []string{"#"} // the route of a new configuration
	}
	b := kind.open(t, open, kind.events(n))
	if kind.route == broker.Unrouted {
		b = open(t, []broker.Route{r})
	}
	ctx, interrupt := context.WithCancel(patient(t))
	picked := 0
	replayed, err := b.Replay(ctx, kind.route, func(broker.UndeliveredEvent) bool {
		if picked++; picked == 2 {
			interrupt()
		}
		return true
	})
	if !errors.Is(err, context.Canceled) || replayed < 1 {
		t.Fatalf("the interrupted replay replayed %d: %v", replayed, err)
	}
	expectWaiting(t, b, kind.role, kind.route, n-replayed)
	expectWaiting(t, b, broker.RoleWork, r.Name, replayed)
	replay(t, b, kind.route, every, n-replayed)
	expectWaiting(t, b, broker.RoleWork, r.Name, n)
}

func visitsEach(t *testing.T, open Open, kind undeliveredKind) {
	const n = 40
	b := kind.open(t, open, kind.events(n))
	for _, until := range []int{n, 7, n} { // an early end leaves the order as it was
		var seen []string
		err := b.Each(patient(t), kind.route, func(u broker.UndeliveredEvent) bool {
			seen = append(seen, u.Event.ID)
			return len(seen) < until
		})
		if want := numbers(0, until-1); err != nil || !slices.Equal(seen, want) {
			t.Errorf("visited %q, want %q: %v", seen, want, err)
		}
	}
	expectWaiting(t, b, kind.role, kind.route, n)
}

func listsPages(t *testing.T, open Open, kind undeliveredKind) {
	events := kind.events(200)
	events[1].Data, events[1].Header, events[1].ContentType = []byte{0, 255, 10}, nil, ""
	b := kind.open(t, open, events)
	for _, limit := range []int{1000, 67, 200} {
		listed := list(t, b, kind.route, limit)
		if len(listed) != len(events) {
			t.Fatalf("%d events by pages of %d, want %d", len(listed), limit, len(events))
		}
		for i, u := range listed {
			expectEvent(t, u.Event, events[i])
			if u.Route != kind.route {
				t.Errorf("event %s: route %q, want %q", u.Event.ID, u.Route, kind.route)
			}
		}
	}
}

func listsAfterRemoval(t *testing.T, open Open, kind undeliveredKind) {
	b := kind.open(t, open, kind.events(20))
	first, next := listPage(t, b, kind.route, broker.Page{Limit: 5})
	if got := ids(first); !slices.Equal(got, numbers(0, 4)) {
		t.Fatalf("the first page has %q", got)
	}
	for _, step := range []struct {
		name   string
		remove []string
		want   []string
	}{
		{"an event of the first page", []string{"2"}, numbers(5, 9)},
		{"the last event of the first page", []string{"4"}, numbers(5, 9)},
		{"both events at the cursor", []string{"5"}, numbers(6, 10)},
		{"all of the first page", []string{"0", "1", "3"}, numbers(6, 10)},
		{"an event in the second page", []string{"8"}, []string{"6", "7", "9", "10", "11"}},
		{"all but the last event", append(numbers(6, 7), numbers(9, 18)...), []string{"19"}},
	} {
		discard(t, b, kind.route, oneOf(step.remove...), len(step.remove))
		second, _ := listPage(t, b, kind.route, broker.Page{After: next, Limit: 5})
		if got := ids(second); !slices.Equal(got, step.want) {
			t.Errorf("without %s the second page has %q, want %q", step.name, got, step.want)
		}
	}
}

func listsNothing(t *testing.T, open Open, kind undeliveredKind) {
	b := kind.open(t, open, nil)
	if events, next := listPage(t, b, kind.route, broker.Page{Limit: 3}); len(events) > 0 || next != "" {
		t.Errorf("an empty queue has %q, and the cursor %q", ids(events), next)
	}
	if found, err := b.Get(patient(t), kind.route, "1"); len(found) > 0 || err != nil {
		t.Errorf("an empty queue has %q: %v", ids(found), err)
	}
	b = kind.open(t, open, kind.events(3))
	if events, next := listPage(t, b, kind.route, broker.Page{Limit: 3}); len(events) != 3 || next != "" {
		t.Errorf("a page of all events has %q, and the cursor %q", ids(events), next)
	}
	_, next := listPage(t, b, kind.route, broker.Page{Limit: 2})
	discard(t, b, kind.route, every, 3)
	if events, next := listPage(t, b, kind.route, broker.Page{After: next, Limit: 2}); len(events) > 0 || next != "" {
		t.Errorf("after all events were removed, the second page has %q, and the cursor %q", ids(events), next)
	}
}

func refusesPages(t *testing.T, open Open, kind undeliveredKind) {
	b := kind.open(t, open, nil)
	if _, _, err := b.List(patient(t), kind.route, broker.Page{}); err == nil {
		t.Error("a limit of 0 is no error")
	}
	if _, _, err := b.List(patient(t), kind.route, broker.Page{After: "no cursor", Limit: 1}); !errors.Is(err, broker.ErrCursor) {
		t.Errorf("a foreign cursor: %v, want %v", err, broker.ErrCursor)
	}
}

func looksWithoutChange(t *testing.T, open Open, kind undeliveredKind) {
	const n = 70
	b := kind.open(t, open, kind.events(n))
	first := list(t, b, kind.route, n)
	// More often than any default delivery limit of a broker, and each time another part.
	for i := range 25 {
		limit := 1 + 7*i%n
		if page, _ := listPage(t, b, kind.route, broker.Page{Limit: limit}); !slices.Equal(ids(page), numbers(0, limit-1)) {
			t.Fatalf("look %d: the first %d events are %q", i, limit, ids(page))
		}
		if i%5 == 0 {
			if found, err := b.Get(patient(t), kind.route, "3"); len(found) != 1 || err != nil {
				t.Errorf("look %d: got %q: %v", i, ids(found), err)
			}
		}
	}
	expectUndelivered(t, b, kind.route, first)
	expectWaiting(t, b, kind.role, kind.route, n)
	expectWaiting(t, b, broker.RoleWork, "archive", 0)
}

// expectUndelivered shows that a route's undelivered events are want in every field and in this order.
func expectUndelivered(t *testing.T, b Broker, route string, want []broker.UndeliveredEvent) {
	t.Helper()
	got := list(t, b, route, len(want)+1)
	if len(got) != len(want) {
		t.Fatalf("%d undelivered events, want %d", len(got), len(want))
	}
	for i, u := range got {
		w := want[i]
		expectEvent(t, u.Event, w.Event)
		u.Event, w.Event = event.Event{}, event.Event{}
		if fmt.Sprint(u) != fmt.Sprint(w) {
			t.Errorf("undelivered event %d: %+v, want %+v", i, u, w)
		}
	}
}

func getsByID(t *testing.T, open Open, kind undeliveredKind) {
	events := kind.events(6)
	twin := events[4]
	twin.ID, twin.Action = "1", "twin" // the ID of another event, as some senders have it
	b := kind.open(t, open, append(events, twin))
	found, err := b.Get(patient(t), kind.route, "1")
	if err != nil || len(found) != 2 {
		t.Fatalf("got %d events with an ID that two have: %v", len(found), err)
	}
	expectEvent(t, found[0].Event, events[1])
	expectEvent(t, found[1].Event, twin)
	if found, err := b.Get(patient(t), kind.route, "3"); err != nil || len(found) != 1 {
		t.Errorf("got %q: %v", ids(found), err)
	} else if kind.role == broker.RoleDead && (found[0].Route != kind.route || found[0].Reason != "permanent" || found[0].LastError != "no such loan") {
		t.Errorf("got %+v", found[0])
	}
	for _, unknown := range []string{"7", "", "%"} {
		if found, err := b.Get(patient(t), kind.route, unknown); err != nil || len(found) > 0 {
			t.Errorf("ID %q: got %q: %v", unknown, ids(found), err)
		}
	}
	other := map[string]string{broker.Unrouted: "archive", "archive": broker.Unrouted}[kind.route]
	if found, err := b.Get(patient(t), other, "3"); err != nil || len(found) > 0 {
		t.Errorf("another route has it, too: %q: %v", ids(found), err)
	}
	discard(t, b, kind.route, oneOf("3"), 1)
	if found, err := b.Get(patient(t), kind.route, "3"); err != nil || len(found) > 0 {
		t.Errorf("after it was discarded: %q: %v", ids(found), err)
	}
}
