package consoletest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/console/jobs"
	"github.com/hookline/hookline/journal"
	"github.com/hookline/hookline/pkg/event"
)

// deadLetters are the library's dead letters and unrouted events. A replayed event is done at once.
type deadLetters struct {
	jobs.Journal // has no events

	mu      sync.Mutex
	kept    []broker.UndeliveredEvent
	ended   map[journal.Key][]journal.Attempt
	changed chan struct{}
}

// openJobs opens the jobs of the library in a folder of their own. They run until the test ends.
func openJobs(t testing.TB, letters *deadLetters) *jobs.Jobs {
	t.Helper()
	names := []string{}
	for _, r := range routes() {
		names = append(names, r.Name)
	}
	j, err := jobs.Open(t.TempDir(), jobs.Parts{Undelivered: letters, Journal: letters, Routes: names})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- j.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

func newDeadLetters() *deadLetters {
	d := &deadLetters{ended: map[journal.Key][]journal.Attempt{}, changed: make(chan struct{})}
	for i := range 41 {
		d.add("exports", event.Event{ID: fmt.Sprintf("61300%014d", 51906820006421-i), Source: "alma", Action: "job_end"}, unknownKey, i)
	}
	for i := range 24 {
		d.add("loans", event.Event{ID: fmt.Sprintf("55209%014d", 81734460006421-i), Source: "alma", Action: "loan.loan_created"}, fmt.Sprintf("/usr/local/bin/on-loan: exit status 1: gate knows no card %d", i), i)
	}
	for i := range 3 {
		d.add(broker.Unrouted, event.Event{ID: fmt.Sprintf("stray-%d", i), Source: "github", Action: "workflow_run.completed"}, "", i)
	}
	return d
}

func (d *deadLetters) add(route string, e event.Event, text string, i int) {
	e.Time = Now().Add(-12*time.Hour + time.Duration(i)*15*time.Minute)
	e.Data = []byte(jobEnd("Export Bibliographic Records"))
	u := broker.UndeliveredEvent{Event: e, Route: route, LastError: text, FirstError: text, Reason: "error", Attempts: 12, Died: e.Time.Add(time.Minute)}
	if route == broker.Unrouted {
		u = broker.UndeliveredEvent{Event: e, Route: route}
	}
	d.kept = append(d.kept, u)
}

// Each visits the events of a route.
func (d *deadLetters) Each(_ context.Context, route string, visit func(broker.UndeliveredEvent) bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, u := range d.kept {
		if u.Route == route && !visit(u) {
			break
		}
	}
	return nil
}

// Replay takes events off, and ends an attempt for each.
func (d *deadLetters) Replay(_ context.Context, route string, pick func(broker.UndeliveredEvent) bool) (int, error) {
	return d.take(route, pick, func(u broker.UndeliveredEvent) {
		k := journal.KeyOf(u.Event)
		d.ended[k] = append(d.ended[k], journal.Attempt{Key: k, Route: route, Number: 1, Start: time.Now(), Outcome: journal.Done, Process: "worker-1"})
		close(d.changed)
		d.changed = make(chan struct{})
	})
}

// Discard takes events off.
func (d *deadLetters) Discard(_ context.Context, route string, pick func(broker.UndeliveredEvent) bool) (int, error) {
	return d.take(route, pick, func(broker.UndeliveredEvent) {})
}

func (d *deadLetters) take(route string, pick func(broker.UndeliveredEvent) bool, then func(broker.UndeliveredEvent)) (n int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var left []broker.UndeliveredEvent
	for _, u := range d.kept {
		if u.Route != route || !pick(u) {
			left = append(left, u)
			continue
		}
		n++
		then(u)
	}
	d.kept = left
	return n, nil
}

// Attempts returns the attempts of an event.
func (d *deadLetters) Attempts(_ context.Context, k journal.Key) ([]journal.Attempt, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.ended[k]), nil
}

// Changed returns a channel that is closed at the next attempt.
func (d *deadLetters) Changed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changed
}
