package brokertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
)

func retryingNow() []promise {
	return []promise{
		{"picked events of the route get their next attempt at once, and all others go on waiting", retriesNow},
		{"an event that fails again at once is given to its route once", retriesNowOnce},
		{"an interrupted RetryNow says how many it gave, and a repeat completes it", retriesNowAfterInterruption},
		{"a crash after RetryNow loses nothing", retriesNowBeforeACrash},
	}
}

// fail lets n events of each route fail, whose next attempts are after a delay that differs from event to event.
func fail(t *testing.T, b Broker, n int, routes ...broker.Route) {
	t.Helper()
	publish(t, b, series(n)...)
	for _, r := range routes {
		c := start(t, b, r)
		for i := range n {
			c.next(t).answer(broker.Retry(time.Hour+time.Duration(i)*10*time.Minute, "error", errors.New("try tomorrow")))
		}
		c.stop(t)
	}
	expectWaiting(t, b, broker.RoleRetry, "", n*len(routes))
}

func retryNow(t *testing.T, b Broker, route string, pick func(broker.StoredDelivery) bool, n int) {
	t.Helper()
	if given, err := b.RetryNow(patient(t), route, pick); given != n || err != nil {
		t.Fatalf("gave %d, want %d: %v", given, n, err)
	}
}

func retriesNow(t *testing.T, open Open) {
	const n = 10
	r, other := route("archive", "#"), route("mail", "#")
	b := open(t, []broker.Route{r, other})
	fail(t, b, n, r, other)
	var seen []string
	retryNow(t, b, r.Name, func(d broker.StoredDelivery) bool {
		if d.Route != r.Name || d.Attempts != 1 || d.LastError != "try tomorrow" || d.Role() != broker.RoleRetry || time.Until(d.Due) < 30*time.Minute {
			t.Errorf("visited %+v", d)
		}
		seen = append(seen, d.Event.ID)
		return false
	}, 0)
	if slices.Sort(seen); !slices.Equal(seen, numbers(0, n-1)) {
		t.Errorf("visited %q", seen)
	}
	picked := []string{"1", "4", "7"}
	retryNow(t, b, r.Name, func(d broker.StoredDelivery) bool { return slices.Contains(picked, d.Event.ID) }, len(picked))
	expectWaiting(t, b, broker.RoleRetry, "", 2*n-len(picked))
	c := start(t, b, r)
	var got []string
	for range picked {
		h := c.next(t)
		got = append(got, h.Event.ID)
		if h.Attempt != 2 {
			t.Errorf("event %s comes as attempt %d", h.Event.ID, h.Attempt)
		}
		h.answer(broker.Ack())
	}
	c.stop(t)
	if slices.Sort(got); !slices.Equal(got, picked) {
		t.Errorf("events %q, want %q", got, picked)
	}
	retryNow(t, b, r.Name, func(d broker.StoredDelivery) bool { return slices.Contains(picked, d.Event.ID) }, 0)
	expectAudit(t, b, broker.RouteAudit{}, broker.RouteAudit{Route: r.Name, Accepted: n, Retrying: n - 3, Done: 3},
		broker.RouteAudit{Route: other.Name, Accepted: n, Retrying: n})
}

func retriesNowOnce(t *testing.T, open Open) {
	const n = 3
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	fail(t, b, n, r)
	c := start(t, b, r)
	visits := map[string]int{}
	answered := make(chan bool)
	go func() {
		defer close(answered)
		for range n {
			c.any(t).answer(broker.Retry(time.Minute, "error", errors.New("still no")))
		}
	}()
	retryNow(t, b, r.Name, func(d broker.StoredDelivery) bool {
		visits[fmt.Sprint(d.Event.ID, " ", d.Attempts)]++
		return true
	}, n)
	<-answered
	for id, times := range visits {
		if times != 1 || !strings.HasSuffix(id, " 1") {
			t.Errorf("the event and attempt %s was visited %d times", id, times)
		}
	}
	c.stop(t)
	expectAudit(t, b, broker.RouteAudit{}, broker.RouteAudit{Route: r.Name, Accepted: n, Retrying: n})
}

func retriesNowAfterInterruption(t *testing.T, open Open) {
	const n = 5
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	fail(t, b, n, r)
	ctx, interrupt := context.WithCancel(patient(t))
	picked := 0
	given, err := b.RetryNow(ctx, r.Name, func(broker.StoredDelivery) bool {
		if picked++; picked == 2 {
			interrupt()
		}
		return true
	})
	if !errors.Is(err, context.Canceled) || given < 1 {
		t.Fatalf("the interrupted call gave %d: %v", given, err)
	}
	expectAudit(t, b, broker.RouteAudit{}, broker.RouteAudit{Route: r.Name, Accepted: n, Waiting: int64(given), Retrying: int64(n - given)})
	retryNow(t, b, r.Name, func(broker.StoredDelivery) bool { return true }, n-given)
	expectIDs(t, drain(t, b, r, n), named(series(n))...)
}

func retriesNowBeforeACrash(t *testing.T, open Open) {
	const n = 5
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	fail(t, b, n, r)
	retryNow(t, b, r.Name, func(broker.StoredDelivery) bool { return true }, n)
	b.Crash(t)
	b = open(t, []broker.Route{r})
	expectIDs(t, drain(t, b, r, n), named(series(n))...)
	expectAudit(t, b, broker.RouteAudit{}, broker.RouteAudit{Route: r.Name, Accepted: n, Done: n})
}
