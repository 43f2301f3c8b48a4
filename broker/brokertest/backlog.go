package brokertest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
)

// backlog is large for a test. docs/decisions/008 has figures with a million events.
const backlog = 20_000

// backlogDelaysNoOther handles the events of one route beside the backlog of another route, and logs their time.
func backlogDelaysNoOther(t *testing.T, open Open) {
	slow, fast := route("slow", "slow.#"), route("fast", "fast.#")
	b := open(t, []broker.Route{slow, fast})
	c := start(t, b, fast)
	alone := medianTime(t, b, c, "alone")

	fill(t, b, backlog)
	h := start(t, b, slow).next(t)
	beside := medianTime(t, b, c, "beside")
	t.Logf("an event takes %v alone, and %v beside a backlog of %d", alone, beside, backlog)
	h.answer(broker.Ack())
}

// medianTime returns the median time of an event from before its publish to its handler.
func medianTime(t *testing.T, b Broker, c *consumer, name string) time.Duration {
	t.Helper()
	var times []time.Duration
	for i := range 101 {
		began := time.Now()
		publish(t, b, newEvent(fmt.Sprint(name, i), "fast", "job_end"))
		h := c.next(t)
		times = append(times, time.Since(began))
		h.answer(broker.Ack())
	}
	slices.Sort(times)
	return times[len(times)/2]
}

// fill publishes n events for the slow route, many at once.
func fill(t *testing.T, b Broker, n int) {
	t.Helper()
	ids := make(chan int)
	var senders sync.WaitGroup
	for range 256 {
		senders.Go(func() {
			for i := range ids {
				if err := b.Publish(t.Context(), newEvent(fmt.Sprint("slow", i), "slow", "job_end")); err != nil {
					t.Errorf("publish %d: %v", i, err)
				}
			}
		})
	}
	for i := range n {
		ids <- i
	}
	close(ids)
	senders.Wait()
}
