package brokertest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
)

// backlog is large for a test. By hand the lines were shown to hold with a million and more; see docs/decisions/008.
const backlog = 20_000

// backlogHoldsUpNobody has a route's events come, one after the other, beside another route's backlog. The log has what they take.
func backlogHoldsUpNobody(t *testing.T, open Open) {
	slow, fast := route("slow", "slow.#"), route("fast", "fast.#")
	line := open(t, []broker.Route{slow, fast})
	c := start(t, line, fast)
	alone := medianTime(t, line, c, "alone")

	fill(t, line, backlog)
	h := start(t, line, slow).next(t)
	beside := medianTime(t, line, c, "beside")
	t.Logf("an event takes %v alone, and %v beside a backlog of %d", alone, beside, backlog)
	h.answer(broker.Ack())
}

// medianTime is how long an event takes from before it is published to its handler.
func medianTime(t *testing.T, line Broker, c *consumer, name string) time.Duration {
	t.Helper()
	var times []time.Duration
	for i := range 101 {
		began := time.Now()
		publish(t, line, newEvent(fmt.Sprint(name, i), "fast", "job_end"))
		h := c.next(t)
		times = append(times, time.Since(began))
		h.answer(broker.Ack())
	}
	slices.Sort(times)
	return times[len(times)/2]
}

// fill publishes n events for the slow route, many at once.
func fill(t *testing.T, line Broker, n int) {
	t.Helper()
	ids := make(chan int)
	var senders sync.WaitGroup
	for range 256 {
		senders.Go(func() {
			for i := range ids {
				if err := line.Publish(t.Context(), newEvent(fmt.Sprint("slow", i), "slow", "job_end")); err != nil {
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
