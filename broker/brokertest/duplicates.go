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

// repeats is how often an event comes again: as often as one duplicate once held up a library's whole queue.
const repeats = 1000

func duplicates() []promise {
	return []promise{
		{"a repeat of what was stored is told, however often it comes, and makes no work", tellsRepeats},
		{"equal events at the same time are all answered, and those that are stored arrive", takesEqualEventsAtOnce},
		{"a repeat makes no work while the first is tried again, dead, done or discarded", tellsRepeatsWhateverBecame},
		{"a person's replay of a dead letter is no repeat", replaysWhatWasSeen},
		{"a repeat of an unrouted event is told, and a person's replay is none", tellsUnroutedRepeats},
		{"an event of another source, action or ID is no repeat", tellsDifferentEvents},
		{"after the window a repeat is new work", forgetsAfterTheWindow},
		{"a publish that failed makes no repeat of the next one", forgetsWhatFailed},
	}
}

// repeat publishes e so often, and shows that each time the line knows it.
func repeat(t *testing.T, line Broker, e event.Event, times int) {
	t.Helper()
	ctx := patient(t)
	for range times {
		if err := line.Publish(ctx, e); !errors.Is(err, broker.ErrDuplicate) {
			t.Fatalf("publish %s again: %v, want %v", e.ID, err, broker.ErrDuplicate)
		}
	}
}

func tellsRepeats(t *testing.T, open Open) {
	r := route("archive", "#")
	line := open(t, []broker.Route{r})
	e := newEvent("1", "alma", "job_end")
	publish(t, line, e)
	repeat(t, line, e, repeats)
	other := e
	other.Data, other.Header = []byte("another body"), nil
	repeat(t, line, other, 1)
	publish(t, line, newEvent("2", "alma", "job_end"))
	expectIDs(t, drain(t, line, r, 2), "1", "2")
}

func takesEqualEventsAtOnce(t *testing.T, open Open) {
	r := broker.Route{Name: "archive", Match: []string{"#"}, Concurrency: 8}
	line := open(t, []broker.Route{r})
	e, ctx := newEvent("1", "alma", "job_end"), patient(t)
	var stored atomic.Int64
	var wg sync.WaitGroup
	for range repeats {
		wg.Go(func() {
			switch err := line.Publish(ctx, e); {
			case err == nil:
				stored.Add(1)
			case !errors.Is(err, broker.ErrDuplicate):
				t.Errorf("one of many equal publishes: %v", err)
			}
		})
	}
	wg.Wait()
	if stored.Load() == 0 {
		t.Fatal("none was stored")
	}
	repeat(t, line, e, 1)
	drain(t, line, r, int(stored.Load()))
}

func tellsRepeatsWhateverBecame(t *testing.T, open Open) {
	r := route("archive", "#")
	line := open(t, []broker.Route{r})
	e := newEvent("1", "alma", "job_end")
	publish(t, line, e)
	c := start(t, line, r)
	c.next(t).answer(broker.Retry(0, "error", errors.New("no")))
	h := c.next(t)
	repeat(t, line, e, 10) // in hand, for the second time
	h.answer(broker.GiveUp("permanent", errors.New("never")))
	expectWaiting(t, line, broker.RoleDead, r.Name, 1)
	repeat(t, line, e, 10)
	discard(t, line, r.Name, every, 1)
	repeat(t, line, e, 10)
	done := newEvent("2", "alma", "job_end")
	publish(t, line, done)
	c.next(t).answer(broker.Ack())
	repeat(t, line, done, 10)
	c.stop(t)
	expectWaiting(t, line, broker.RoleWork, r.Name, 0)
}

func replaysWhatWasSeen(t *testing.T, open Open) {
	r := route("archive", "#")
	line := open(t, []broker.Route{r})
	e := newEvent("1", "alma", "job_end")
	publish(t, line, e)
	c := start(t, line, r)
	c.next(t).answer(broker.GiveUp("permanent", errors.New("never")))
	expectWaiting(t, line, broker.RoleDead, r.Name, 1)
	replay(t, line, r.Name, every, 1)
	c.next(t).answer(broker.Ack())
	repeat(t, line, e, 1)
	c.stop(t)
}

func tellsUnroutedRepeats(t *testing.T, open Open) {
	line := open(t, []broker.Route{route("archive", "alma.#")})
	events := unwanted(1)
	publish(t, line, events...)
	repeat(t, line, events[0], 10)
	expectUnrouted(t, line, "0")
	pushes := route("pushes", "github.push")
	line = open(t, []broker.Route{pushes})
	replay(t, line, broker.Unrouted, every, 1)
	expectIDs(t, drain(t, line, pushes, 1), "0")
}

func tellsDifferentEvents(t *testing.T, open Open) {
	r := route("archive", "#")
	line := open(t, []broker.Route{r})
	publish(t, line, newEvent("1", "alma", "loan"), newEvent("1", "other", "loan"), newEvent("1", "alma", "loan.returned"), newEvent("2", "alma", "loan"))
	expectIDs(t, drain(t, line, r, 4), "1", "1", "1", "2")
}

func forgetsAfterTheWindow(t *testing.T, open Open) {
	r := route("archive", "#")
	line := open(t, []broker.Route{r})
	e := newEvent("1", "alma", "job_end")
	publish(t, line, e)
	e.Time = e.Time.Add(Window - time.Millisecond)
	repeat(t, line, e, 1)
	e.Time = e.Time.Add(time.Millisecond)
	publish(t, line, e)
	repeat(t, line, e, 1)
	expectIDs(t, drain(t, line, r, 2), "1", "1")
}

func forgetsWhatFailed(t *testing.T, open Open) {
	r := route("archive", "#")
	line := open(t, []broker.Route{r})
	e := newEvent("1", "alma", "job_end")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if line.Publish(ended, e) == nil {
		t.Fatal("publish with a context that has ended answered nil")
	}
	publish(t, line, e)
	c := start(t, line, r)
	c.next(t).answer(broker.Ack())
	c.stop(t)
}
