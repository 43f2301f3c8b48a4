package app

import (
	"fmt"
	"os"
	"time"

	"github.com/hookline/hookline/journal"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/worker"
)

// records gives the records of a process's parts to its recorder.
type records struct {
	recorder *journal.Recorder
	routed   func(key string) bool
	process  string // for people
}

// Stored records an event of a receiver or of a schedule.
func (r *records) Stored(e event.Event, secret string) {
	r.recorder.Stored(journal.Stored{Event: e, Unrouted: !r.routed(e.Key()), Secret: secret, Process: r.process})
}

// Ended records an attempt of a worker.
func (r *records) Ended(a worker.Attempt) {
	out := journal.Attempt{
		Key: journal.KeyOf(a.Delivery.Event), Route: a.Delivery.Route, Number: a.Delivery.Attempt,
		Start: a.Start, Duration: a.Duration, Outcome: journal.Outcome(a.Outcome), Reason: a.Reason, Process: r.process,
	}
	if a.Err != nil {
		out.Error = handler.LogText(a.Err)
	}
	if a.Outcome == string(journal.Retried) {
		out.Next = a.Start.Add(a.Duration + a.RetryIn)
	}
	r.recorder.Attempt(out)
}

// processName names this process for people: the machine and the process ID.
func processName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}

var _ = time.Second
