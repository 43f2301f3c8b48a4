package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap/zaptest"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
	"github.com/hookline/hookline/console/jobs"
	"github.com/hookline/hookline/journal"
	"github.com/hookline/hookline/pkg/event"
)

// patience is how long a test waits, on a busy machine.
const patience = 2 * time.Minute

func patient(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

var exports = broker.Route{Name: "exports", Match: []string{"alma.#"}, Concurrency: 4}

func id(i int) string { return fmt.Sprintf("event-%d", i) }

func anEvent(id string) event.Event {
	return event.Event{ID: id, Source: "alma", Action: "job_end", Time: time.UnixMilli(1_700_000_000_123).UTC(), Data: []byte(`{"id":"` + id + `"}`)}
}

func openEmbedded(t testing.TB, routes ...broker.Route) *embedded.Broker {
	t.Helper()
	b, err := embedded.Open(embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: routes}, prometheus.NewRegistry(), zaptest.NewLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return b
}

// openJobs opens jobs, and closes them at the end of the test.
func openJobs(t testing.TB, dir string, parts jobs.Parts) *jobs.Jobs {
	t.Helper()
	if parts.Log == nil {
		parts.Log = zaptest.NewLogger(t)
	}
	j, err := jobs.Open(dir, parts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

// run runs the jobs until the test calls stop, or ends.
func run(t testing.TB, j *jobs.Jobs) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- j.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// await waits until a job is as is says, and checks at each change that its numbers add up.
func await(t testing.TB, j *jobs.Jobs, id int64, condition string, is func(jobs.Job) bool) jobs.Job {
	t.Helper()
	for ctx := patient(t); ; {
		changed := j.Changed()
		v, err := j.Get(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if c := v.Counts; c.Total != v.Plan.Count || c.Total != c.Done+c.FailedAgain+c.Waiting+c.Skipped+c.Left {
			t.Fatalf("the numbers do not add up: %+v of a plan for %d", c, v.Plan.Count)
		}
		if is(v) {
			return v
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("waited in vain for: %s; the job is %+v", condition, v)
		}
	}
}

func awaitState(t testing.TB, j *jobs.Jobs, id int64, state jobs.State) jobs.Job {
	t.Helper()
	return await(t, j, id, "the state "+string(state), func(v jobs.Job) bool { return v.State == state })
}

func plan(t testing.TB, j *jobs.Jobs, r jobs.PlanRequest) jobs.Plan {
	t.Helper()
	r.By = "sample.operator"
	p, err := j.Plan(patient(t), r)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func start(t testing.TB, j *jobs.Jobs, plan int64, o jobs.Options) jobs.Job {
	t.Helper()
	o.By, o.Why = "sample.operator", "the disk is larger now"
	v, err := j.Start(patient(t), plan, o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

var deadExports = jobs.PlanRequest{Action: jobs.Replay, Selection: jobs.Selection{From: jobs.FromDead}}

// memory is a journal of attempts in memory.
type memory struct {
	jobs.Journal // has no events

	mu       sync.Mutex
	attempts map[journal.Key][]journal.Attempt
	changed  chan struct{}
}

func newMemory() *memory {
	return &memory{attempts: map[journal.Key][]journal.Attempt{}, changed: make(chan struct{})}
}

func (m *memory) add(a journal.Attempt) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.attempts[a.Key] = append(m.attempts[a.Key], a)
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *memory) Attempts(_ context.Context, k journal.Key) ([]journal.Attempt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]journal.Attempt{}, m.attempts[k]...), nil
}

func (m *memory) Changed() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changed
}

// consume runs a worker on a route that records its attempts, until the test calls stop, or ends.
func consume(t testing.TB, b broker.Consumer, r broker.Route, m *memory, handle func(event.Delivery) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- b.Consume(ctx, r, func(_ context.Context, d event.Delivery) broker.Outcome {
			a := journal.Attempt{Key: journal.KeyOf(d.Event), Route: d.Route, Number: d.Attempt, Start: time.Now(), Outcome: journal.Done}
			err := handle(d)
			if err != nil {
				a.Outcome, a.Error = journal.Dead, err.Error()
			}
			m.add(a)
			if err != nil {
				return broker.GiveUp("permanent", err)
			}
			return broker.Ack()
		})
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Consume: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// Store stores events, and lets each route give them up.
func makeDead(t testing.TB, b broker.Broker, r broker.Route, m *memory, why error, ids ...string) {
	t.Helper()
	died := make(chan struct{}, len(ids))
	for _, id := range ids {
		publish(t, b, anEvent(id))
	}
	stop := consume(t, b, r, m, func(event.Delivery) error { died <- struct{}{}; return why })
	for range ids {
		select {
		case <-died:
		case <-patient(t).Done():
			t.Fatal("waited in vain for dead letters")
		}
	}
	stop()
}

// publish stores an event. On a busy machine the first session can take longer than the 5 seconds that Publish waits for it.
func publish(t testing.TB, b broker.Broker, e event.Event) {
	t.Helper()
	for ctx := patient(t); ; {
		err := b.Publish(ctx, e)
		if err == nil {
			return
		}
		if !errors.Is(err, broker.ErrDown) || ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

func ids(n int) (all []string) {
	for i := range n {
		all = append(all, id(i))
	}
	return all
}

// deadIDs returns the IDs of the dead letters of the route exports.
func deadIDs(t testing.TB, b broker.Undelivered) (found []string) {
	t.Helper()
	err := b.Each(patient(t), exports.Name, func(u broker.UndeliveredEvent) bool {
		found = append(found, u.Event.ID)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
