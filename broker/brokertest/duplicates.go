package brokertest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// repeats is the number of duplicates of an event: one duplicate once blocked a whole queue of a library so often.
const repeats = 1000

func duplicates() []promise {
	return []promise{
		{"a duplicate of a stored event is detected, however often it comes, and is not stored", detectsDuplicates},
		{"concurrent duplicates are all answered, and stored events arrive", takesConcurrentDuplicates},
		{"a duplicate is detected while its event is retried, dead, done or discarded", detectsDuplicatesAfterOutcomes},
		{"a replayed dead letter is no duplicate", replaysDuplicates},
		{"a duplicate of an unrouted event is detected, and a replay is none", detectsUnroutedDuplicates},
		{"an event with another source, action or ID is no duplicate", acceptsDifferentEvents},
		{"two events with one ID of their sender and different bodies are delivered and accounted for", acceptsDifferentBodies},
		{"after the window a duplicate is stored", forgetsAfterTheWindow},
		{"after a failed publish the next one is no duplicate", forgetsFailedPublish},
	}
}

// repeat publishes e a number of times, and shows that the broker detects each duplicate.
func repeat(t *testing.T, b Broker, e event.Event, times int) {
	t.Helper()
	ctx := patient(t)
	for range times {
		if err := b.Publish(ctx, e); !errors.Is(err, broker.ErrDuplicate) {
			t.Fatalf("publish %s again: %v, want %v", e.ID, err, broker.ErrDuplicate)
		}
	}
}

func detectsDuplicates(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	e := newEvent("1", "alma", "job_end")
	publish(t, b, e)
	repeat(t, b, e, repeats)
	other := e
	other.Data, other.Header = []byte("another body"), nil
	repeat(t, b, other, 1)
	publish(t, b, newEvent("2", "alma", "job_end"))
	expectIDs(t, drain(t, b, r, 2), "1", "2")
}

func takesConcurrentDuplicates(t *testing.T, open Open) {
	r := broker.Route{Name: "archive", Match: []string{"#"}, Concurrency: 8}
	b := open(t, []broker.Route{r})
	e, ctx := newEvent("1", "alma", "job_end"), patient(t)
	var stored atomic.Int64
	var wg sync.WaitGroup
	for range repeats {
		wg.Go(func() {
			switch err := b.Publish(ctx, e); {
			case err == nil:
				stored.Add(1)
			case !errors.Is(err, broker.ErrDuplicate):
				t.Errorf("one of many concurrent duplicates: %v", err)
			}
		})
	}
	wg.Wait()
	if stored.Load() == 0 {
		t.Fatal("none was stored")
	}
	repeat(t, b, e, 1)
	drain(t, b, r, int(stored.Load()))
}

func detectsDuplicatesAfterOutcomes(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	e := newEvent("1", "alma", "job_end")
	publish(t, b, e)
	c := start(t, b, r)
	c.next(t).answer(broker.Retry(0, "error", errors.New("no")))
	h := c.next(t)
	repeat(t, b, e, 10) // while the second attempt runs
	h.answer(broker.GiveUp("permanent", errors.New("never")))
	expectWaiting(t, b, broker.RoleDead, r.Name, 1)
	repeat(t, b, e, 10)
	discard(t, b, r.Name, every, 1)
	repeat(t, b, e, 10)
	done := newEvent("2", "alma", "job_end")
	publish(t, b, done)
	c.next(t).answer(broker.Ack())
	repeat(t, b, done, 10)
	c.stop(t)
	expectWaiting(t, b, broker.RoleWork, r.Name, 0)
}

func replaysDuplicates(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	e := newEvent("1", "alma", "job_end")
	publish(t, b, e)
	c := start(t, b, r)
	c.next(t).answer(broker.GiveUp("permanent", errors.New("never")))
	expectWaiting(t, b, broker.RoleDead, r.Name, 1)
	replay(t, b, r.Name, every, 1)
	c.next(t).answer(broker.Ack())
	repeat(t, b, e, 1)
	c.stop(t)
}

func detectsUnroutedDuplicates(t *testing.T, open Open) {
	b := open(t, []broker.Route{route("archive", "alma.#")})
	events := unwanted(1)
	publish(t, b, events...)
	repeat(t, b, events[0], 10)
	expectUnrouted(t, b, "0")
	pushes := route("pushes", "github.push")
	b = open(t, []broker.Route{pushes})
	replay(t, b, broker.Unrouted, every, 1)
	expectIDs(t, drain(t, b, pushes, 1), "0")
}

func acceptsDifferentEvents(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	publish(t, b, newEvent("1", "alma", "loan"), newEvent("1", "other", "loan"), newEvent("1", "alma", "loan.returned"), newEvent("2", "alma", "loan"))
	expectIDs(t, drain(t, b, r, 4), "1", "1", "1", "2")
}

func acceptsDifferentBodies(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	var ids []string
	for _, body := range []string{`{"id":42,"stock":1}`, `{"id":42,"stock":2}`} {
		e := newEvent(event.NewIDWithDigest("42", []byte(body)), "shop", "updated")
		e.Data = []byte(body)
		publish(t, b, e)
		repeat(t, b, e, 1)
		ids = append(ids, e.ID)
	}
	expectAudit(t, b, broker.RouteAudit{}, broker.RouteAudit{Route: "archive", Accepted: 2, Waiting: 2})
	expectIDs(t, drain(t, b, r, 2), ids...)
	expectAudit(t, b, broker.RouteAudit{}, broker.RouteAudit{Route: "archive", Accepted: 2, Done: 2})
}

func forgetsAfterTheWindow(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	e := newEvent("1", "alma", "job_end")
	publish(t, b, e)
	e.Time = e.Time.Add(Window - time.Millisecond)
	repeat(t, b, e, 1)
	e.Time = e.Time.Add(time.Millisecond)
	publish(t, b, e)
	repeat(t, b, e, 1)
	expectIDs(t, drain(t, b, r, 2), "1", "1")
}

func forgetsFailedPublish(t *testing.T, open Open) {
	r := route("archive", "#")
	b := open(t, []broker.Route{r})
	e := newEvent("1", "alma", "job_end")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if b.Publish(ended, e) == nil {
		t.Fatal("publish with a context that has ended answered nil")
	}
	publish(t, b, e)
	c := start(t, b, r)
	c.next(t).answer(broker.Ack())
	c.stop(t)
}
