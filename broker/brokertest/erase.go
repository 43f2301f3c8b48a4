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

func erasing() []promise {
	return []promise{
		{"Erase sees every place and changes nothing if nothing is picked, and removes the picked events for good", erases},
		{"an interrupted Erase says how many it removed, and a repeat completes it", erasesAfterInterruption},
	}
}

// places fills each place of a broker with n events: "0", "1", ... wait, and the others begin with the name of their place.
func places(t *testing.T, b Broker, r broker.Route, n int) {
	t.Helper()
	c := start(t, b, r)
	for i := range n {
		publish(t, b, newEvent(fmt.Sprint("dead", i), "alma", "job_end"))
		c.next(t).answer(broker.GiveUp("permanent", errors.New("no such loan")))
		publish(t, b, newEvent(fmt.Sprint("retry", i), "alma", "job_end"))
		c.next(t).answer(broker.Retry(time.Hour, "error", errors.New("try tomorrow")))
	}
	c.stop(t)
	for i := range n {
		publish(t, b, newEvent(fmt.Sprint(i), "alma", "job_end"), newEvent(fmt.Sprint("unrouted", i), "github", "push"))
	}
	expectWaiting(t, b, broker.RoleWork, r.Name, n)
	expectWaiting(t, b, broker.RoleRetry, "", n)
	expectWaiting(t, b, broker.RoleDead, r.Name, n)
	expectWaiting(t, b, broker.RoleUnrouted, "", n)
}

func erase(t *testing.T, b Broker, pick func(broker.StoredDelivery) bool, n int) {
	t.Helper()
	if removed, err := b.Erase(patient(t), pick); removed != n || err != nil {
		t.Fatalf("erased %d, want %d: %v", removed, n, err)
	}
}

func erases(t *testing.T, open Open) {
	const n = 5
	r := route("archive", "alma.#")
	b := open(t, []broker.Route{r})
	places(t, b, r, n)
	for range 3 { // looks change nothing
		seen := map[broker.QueueRole][]string{}
		erase(t, b, func(d broker.StoredDelivery) bool {
			if want := map[bool]string{true: broker.Unrouted, false: r.Name}[d.Role() == broker.RoleUnrouted]; d.Route != want || d.Event.Data == nil {
				t.Errorf("visited %+v, want route %q", d, want)
			}
			seen[d.Role()] = append(seen[d.Role()], d.Event.ID)
			return false
		}, 0)
		for role, prefix := range map[broker.QueueRole]string{broker.RoleWork: "", broker.RoleRetry: "retry", broker.RoleDead: "dead", broker.RoleUnrouted: "unrouted"} {
			var want []string
			for i := range n {
				want = append(want, fmt.Sprint(prefix, i))
			}
			if !slices.Equal(seen[role], want) {
				t.Errorf("%s: visited %q, want %q", role, seen[role], want)
			}
		}
	}
	picked := []string{"1", "4", "dead1", "retry1", "unrouted1"}
	erase(t, b, func(d broker.StoredDelivery) bool { return slices.Contains(picked, d.Event.ID) }, len(picked))
	erase(t, b, func(d broker.StoredDelivery) bool { return slices.Contains(picked, d.Event.ID) }, 0)
	expectAudit(t, b, broker.RouteAudit{Accepted: n, Waiting: n - 1, Discarded: 1},
		broker.RouteAudit{Route: r.Name, Accepted: 3 * n, Waiting: n - 2, Retrying: n - 1, Dead: n - 1, Discarded: 4})
	if got, want := inOrder(drain(t, b, r, n-2)), []string{"0 1", "2 1", "3 1"}; !slices.Equal(got, want) {
		t.Errorf("delivered %q, want %q", got, want)
	}
	if got, want := ids(list(t, b, r.Name, n)), []string{"dead0", "dead2", "dead3", "dead4"}; !slices.Equal(got, want) {
		t.Errorf("dead letters %q, want %q", got, want)
	}
	erase(t, b, func(broker.StoredDelivery) bool { return true }, 3*(n-1))
	expectAudit(t, b, broker.RouteAudit{Accepted: n, Discarded: n}, broker.RouteAudit{Route: r.Name, Accepted: 3 * n, Done: n - 2, Discarded: 2*n + 2})
}

// inOrder returns the ID and the attempt of each delivery.
func inOrder(deliveries []event.Delivery) (names []string) {
	for _, d := range deliveries {
		names = append(names, fmt.Sprint(d.Event.ID, " ", d.Attempt))
	}
	return names
}

func erasesAfterInterruption(t *testing.T, open Open) {
	const n = 3
	r := route("archive", "alma.#")
	b := open(t, []broker.Route{r})
	places(t, b, r, n)
	ctx, interrupt := context.WithCancel(patient(t))
	picked := 0
	removed, err := b.Erase(ctx, func(broker.StoredDelivery) bool {
		if picked++; picked == 2 {
			interrupt()
		}
		return true
	})
	if !errors.Is(err, context.Canceled) || removed < 1 || removed == 4*n {
		t.Fatalf("the interrupted call removed %d: %v", removed, err)
	}
	erase(t, b, func(broker.StoredDelivery) bool { return true }, 4*n-removed)
	expectAudit(t, b, broker.RouteAudit{Accepted: n, Discarded: n}, broker.RouteAudit{Route: r.Name, Accepted: 3 * n, Discarded: 3 * n})
}
