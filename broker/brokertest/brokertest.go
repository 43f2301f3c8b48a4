// Package brokertest holds the promises of package broker as one suite of tests that every line must pass.
//
// There is a file per topic; each promise is a subtest that reads as a sentence. Nothing here sleeps: a test waits for
// what has to happen, for at most half a minute, and shows that something did not happen by looking at where else the
// event would be.
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

// Window is for how long a line has to remember what was stored.
const Window = time.Hour

// Open opens the line of one subtest, ready to take events for the routes, and registers its own cleanup. Called again
// it opens the same line with other routes, and the one that it had opened before is not used any more.
type Open func(t *testing.T, routes []broker.Route) Broker

// promise is one sentence about a line and the test that holds it to that.
type promise struct {
	sentence string
	hold     func(t *testing.T, open Open)
}

// Run holds a line to every promise. For each subtest it asks for a fresh, empty place to open one in; subtests run in
// parallel.
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
