// Package brokertest is the conformance suite of brokers: the promises of package broker as tests.
//
// Each topic has a file; each promise is a subtest that reads as a sentence. No test sleeps: a test waits for an event for half a
// minute at most. It shows that an event is absent in one place by its presence in another.
package brokertest

import (
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
)

// Broker is a broker under test.
type Broker interface {
	broker.Broker
	// Crash ends the broker as the death of its process would, with deliveries unsettled. The test opens the broker again afterwards.
	Crash(t *testing.T)
}

// Window is the window in which a broker must detect duplicates.
const Window = time.Hour

// RouteBytes is the memory in bytes for the fetched bodies of a route.
const RouteBytes = 1 << 20

// Open opens the broker of one subtest with routes, and registers its cleanup. A second call opens the same broker with other routes; the
// test then uses only the new one.
type Open func(t *testing.T, routes []broker.Route) Broker

// promise is a sentence about a broker, and its test.
type promise struct {
	sentence string
	hold     func(t *testing.T, open Open)
}

// Run tests every promise. For each subtest it calls place for the Open of a new, empty broker. Subtests run in parallel.
func Run(t *testing.T, place func(t *testing.T) Open) {
	for _, topic := range []struct {
		name     string
		promises []promise
	}{
		{"Publish", publishing()},
		{"Duplicate", duplicates()},
		{"Event", carrying()},
		{"Outcome", outcomes()},
		{"Undelivered", undelivered()},
		{"Dead", deadLetters()},
		{"Unrouted", unrouted()},
		{"Erase", erasing()},
		{"Pause", pausing()},
		{"RetryNow", retryingNow()},
		{"Redeliver", redelivering()},
		{"Concurrency", concurrency()},
		{"Stop", stopping()},
		{"Crash", crashes()},
		{"Queues", queues()},
		{"Audit", audits()},
	} {
		t.Run(topic.name, func(t *testing.T) {
			for _, p := range topic.promises {
				t.Run(p.sentence, func(t *testing.T) {
					t.Parallel()
					p.hold(t, place(t))
				})
			}
		})
	}
}
