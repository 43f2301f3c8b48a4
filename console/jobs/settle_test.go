package jobs_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap/zaptest"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/console/jobs"
	"github.com/hookline/hookline/journal"
	"github.com/hookline/hookline/pkg/event"
)

func TestATargetThatIsGoneMeanwhileIsLeftOut(t *testing.T) {
	t.Parallel()
	b, m := openEmbedded(t, exports), newMemory()
	makeDead(t, b, exports, m, errDisk, ids(5)...)
	j := openJobs(t, t.TempDir(), jobs.Parts{Undelivered: b, Routes: []string{"exports"}})
	p := plan(t, j, deadExports)
	one := func(u broker.UndeliveredEvent) bool { return u.Event.ID == id(2) }
	if n, err := b.Discard(patient(t), "exports", one); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	run(t, j)
	v := awaitState(t, j, start(t, j, p.ID, jobs.Options{}).ID, jobs.Finished)
	if v.Counts != (jobs.Counts{Total: 5, Done: 4, Skipped: 1}) {
		t.Errorf("the job ended with %+v", v.Counts)
	}
	skipped, err := j.Targets(patient(t), v.ID, jobs.TargetPage{State: jobs.Skipped, Limit: 9})
	if err != nil || len(skipped) != 1 || skipped[0].ID != id(2) || !strings.Contains(skipped[0].Why, "gone") {
		t.Errorf("skipped: %+v, %v", skipped, err)
	}
}

func TestAnEventIsInOneJobOnly(t *testing.T) {
	t.Parallel()
	b, m := openEmbedded(t, exports), newMemory()
	makeDead(t, b, exports, m, errDisk, ids(3)...)
	j := openJobs(t, t.TempDir(), jobs.Parts{Undelivered: b, Routes: []string{"exports"}})
	older := plan(t, j, deadExports)
	start(t, j, plan(t, j, jobs.PlanRequest{Action: jobs.Replay, Selection: jobs.Selection{From: jobs.FromDead, IDs: []string{id(1)}}}).ID, jobs.Options{})
	if p := plan(t, j, deadExports); p.Count != 2 || len(p.LeftOut) != 1 || p.LeftOut[0] != (jobs.LeftOut{Why: "in job 2, which has not ended", Count: 1}) {
		t.Errorf("a plan beside a job is %+v", p)
	}
	if v := start(t, j, older.ID, jobs.Options{}); v.Counts != (jobs.Counts{Total: 3, Skipped: 1, Left: 2}) {
		t.Errorf("a plan from before a job starts with %+v", v.Counts)
	}
}

func TestUnroutedEventsGoToTheRoutesOfToday(t *testing.T) {
	t.Parallel()
	b := openEmbedded(t, exports)
	publish(t, b, event.Event{ID: "1", Source: "github", Action: "push", Time: time.UnixMilli(1).UTC()})
	j := openJobs(t, t.TempDir(), jobs.Parts{Undelivered: b})
	r := jobs.PlanRequest{Action: jobs.Replay, Selection: jobs.Selection{From: jobs.FromUnrouted}}
	run(t, j)
	v := awaitState(t, j, start(t, j, plan(t, j, r).ID, jobs.Options{}).ID, jobs.Finished)
	skipped, err := j.Targets(patient(t), v.ID, jobs.TargetPage{State: jobs.Skipped, Limit: 9})
	if err != nil || len(skipped) != 1 || skipped[0].Why != "it matches no route now" {
		t.Errorf("skipped: %+v, %v", skipped, err)
	}
	knowing := openJobs(t, t.TempDir(), jobs.Parts{Undelivered: b, Matches: func(string) bool { return false }})
	if p := plan(t, knowing, r); p.Count != 0 || len(p.LeftOut) != 1 || p.LeftOut[0].Why != "matches no route now" {
		t.Errorf("a plan that knows the routes is %+v", p)
	}
}

// hiding hides an event at its first walks, as RabbitMQ hides those that another process looks at, and fails at the first replay.
type hiding struct {
	jobs.Undelivered
	mu     sync.Mutex
	walks  int
	hidden string
	fails  error
}

func (h *hiding) Replay(ctx context.Context, route string, pick func(broker.UndeliveredEvent) bool) (int, error) {
	h.mu.Lock()
	h.walks++
	first, err := h.walks == 1, h.fails
	h.fails = nil
	h.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return h.Undelivered.Replay(ctx, route, func(u broker.UndeliveredEvent) bool { return (!first || u.Event.ID != h.hidden) && pick(u) })
}

func TestAHiddenEventHasItsTurnLater(t *testing.T) {
	t.Parallel()
	b, m := openEmbedded(t, exports), newMemory()
	makeDead(t, b, exports, m, errDisk, ids(5)...)
	j := openJobs(t, t.TempDir(), jobs.Parts{Undelivered: &hiding{Undelivered: b, hidden: id(3)}, Routes: []string{"exports"}})
	run(t, j)
	v := awaitState(t, j, start(t, j, plan(t, j, deadExports).ID, jobs.Options{}).ID, jobs.Finished)
	if v.Counts != (jobs.Counts{Total: 5, Done: 5}) || len(deadIDs(t, b)) != 0 {
		t.Errorf("the job ended with %+v, and left %v", v.Counts, deadIDs(t, b))
	}
}

func TestAJobTellsItsProblemAndTriesAgain(t *testing.T) {
	t.Parallel()
	b, m := openEmbedded(t, exports), newMemory()
	makeDead(t, b, exports, m, errDisk, ids(2)...)
	j := openJobs(t, t.TempDir(), jobs.Parts{Undelivered: &hiding{Undelivered: b, fails: broker.ErrDown}, Routes: []string{"exports"}})
	run(t, j)
	v := start(t, j, plan(t, j, deadExports).ID, jobs.Options{})
	await(t, j, v.ID, "the problem", func(v jobs.Job) bool { return strings.Contains(v.Problem, broker.ErrDown.Error()) })
	if v = awaitState(t, j, v.ID, jobs.Finished); v.Counts.Done != 2 || v.Problem != "" {
		t.Errorf("the job ended with %+v, %q", v.Counts, v.Problem)
	}
}

// unsure acts on half of the first chunk, and then loses the connection, as a process that is killed between an act and its result.
type unsure struct {
	jobs.Undelivered
	once sync.Once
}

func (u *unsure) Replay(ctx context.Context, route string, pick func(broker.UndeliveredEvent) bool) (n int, err error) {
	picked := 0
	n, err = u.Undelivered.Replay(ctx, route, func(e broker.UndeliveredEvent) bool {
		isPicked := pick(e)
		u.once.Do(func() { picked = 1 })
		if isPicked && picked > 0 {
			picked++
			return picked%2 == 0
		}
		return isPicked
	})
	if picked > 0 {
		return 0, broker.ErrUnknown
	}
	return n, err
}

func TestAnActWithoutAResultIsFoundOut(t *testing.T) {
	t.Parallel()
	b, m := openEmbedded(t, exports), newMemory()
	makeDead(t, b, exports, m, errDisk, ids(10)...)
	j := openJobs(t, t.TempDir(), jobs.Parts{Undelivered: &unsure{Undelivered: b}, Journal: m, Routes: []string{"exports"}})
	run(t, j)
	handled := make(chan string, 20)
	consume(t, b, exports, m, func(d event.Delivery) error { handled <- d.Event.ID; return nil })
	v := awaitState(t, j, start(t, j, plan(t, j, deadExports).ID, jobs.Options{}).ID, jobs.Finished)
	if v.Counts != (jobs.Counts{Total: 10, Done: 10}) || len(handled) != 10 || len(deadIDs(t, b)) != 0 {
		t.Errorf("the job ended with %+v; %d were handled", v.Counts, len(handled))
	}
}

// retrier has failing events: jobs.Retrier.
type retrier struct {
	mu      sync.Mutex
	failing []broker.StoredDelivery
	retried []string
}

func (r *retrier) RetryNow(_ context.Context, _ string, pick func(broker.StoredDelivery) bool) (n int, _ error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range r.failing {
		if pick(d) {
			r.retried = append(r.retried, d.Event.ID)
			n++
		}
	}
	return n, nil
}

func TestFailingEventsHaveTheirNextAttemptNow(t *testing.T) {
	t.Parallel()
	r, m := &retrier{}, newMemory()
	for i := range 3 {
		r.failing = append(r.failing, broker.StoredDelivery{UndeliveredEvent: broker.UndeliveredEvent{
			Event: anEvent(id(i)), Route: "exports", Attempts: 4, LastError: errDisk.Error(),
		}, Due: time.Now().Add(time.Hour)})
	}
	j := openJobs(t, t.TempDir(), jobs.Parts{Retrier: r, Journal: m, Routes: []string{"exports"}})
	run(t, j)
	p := plan(t, j, jobs.PlanRequest{Action: jobs.RetryNow, Selection: jobs.Selection{From: jobs.FromFailing, Cause: errDisk.Error()}})
	r.mu.Lock()
	r.failing[2].Attempts = 5 // has been tried again
	r.mu.Unlock()
	v := start(t, j, p.ID, jobs.Options{})
	await(t, j, v.ID, "two are due", func(v jobs.Job) bool { return v.Counts.Waiting == 2 && v.Counts.Skipped == 1 })
	attempt := journal.Attempt{Key: journal.KeyOf(anEvent(id(0))), Route: "exports", Number: 4, Start: time.Now(), Outcome: journal.Retried}
	m.add(attempt) // an old one that the journal took in late
	attempt.Number, attempt.Outcome = 5, journal.Done
	m.add(attempt)
	attempt.Key = journal.KeyOf(anEvent(id(1)))
	m.add(attempt)
	if v = awaitState(t, j, v.ID, jobs.Finished); v.Counts != (jobs.Counts{Total: 3, Done: 2, Skipped: 1}) {
		t.Errorf("the job ended with %+v", v.Counts)
	}
}

// redeliverer notes the events that it gives to routes.
type redeliverer struct {
	mu    sync.Mutex
	given []string
}

func (r *redeliverer) Redeliver(_ context.Context, e event.Event, routes []string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.given = append(r.given, e.ID+" to "+strings.Join(routes, ", "))
	return nil
}

func TestRecordedEventsAreReplayedToChosenRoutes(t *testing.T) {
	t.Parallel()
	store, err := journal.Open(journal.Config{Dir: t.TempDir(), Sources: map[string]journal.SourceConfig{"secretive": {NoBodies: true}}},
		prometheus.NewRegistry(), zaptest.NewLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	batch := journal.Batch{Process: "worker", Number: 1}
	for _, id := range ids(3) {
		e := anEvent(id)
		if id == "event-1" {
			e.Source = "secretive"
		}
		batch.Stored = append(batch.Stored, journal.Stored{Event: e})
		batch.Ended = append(batch.Ended, journal.Attempt{Key: journal.KeyOf(e), Route: "exports", Number: 1, Start: e.Time.Add(time.Second), Outcome: journal.Done})
	}
	if err := store.Append(patient(t), batch); err != nil {
		t.Fatal(err)
	}
	r := &redeliverer{}
	j := openJobs(t, t.TempDir(), jobs.Parts{Journal: store, Redeliverer: r})
	run(t, j)
	p := plan(t, j, jobs.PlanRequest{
		Action: jobs.Replay, To: []string{"exports"},
		Selection: jobs.Selection{From: jobs.FromJournal, Routes: []string{"exports"}, State: journal.StateDone},
	})
	v := start(t, j, p.ID, jobs.Options{Proof: true})
	for _, id := range []string{id(2), id(0)} { // the newest first
		await(t, j, v.ID, "the next is given", func(v jobs.Job) bool { return v.Counts.Waiting == 1 })
		again := journal.Attempt{Key: journal.KeyOf(anEvent(id)), Route: "exports", Number: 1, Start: time.Now(), Outcome: journal.Done}
		batch = journal.Batch{Process: "worker", Number: batch.Number + 1, Ended: []journal.Attempt{again}}
		if err := store.Append(patient(t), batch); err != nil {
			t.Fatal(err)
		}
		await(t, j, v.ID, "the outcome", func(v jobs.Job) bool { return int64(v.Counts.Done) == batch.Number-1 })
	}
	v = awaitState(t, j, v.ID, jobs.Finished)
	if want := []string{"event-2 to exports", "event-0 to exports"}; !slices.Equal(r.given, want) || v.Counts != (jobs.Counts{Total: 3, Done: 2, Skipped: 1}) {
		t.Errorf("given: %v; the job ended with %+v", r.given, v.Counts)
	}
	skipped, err := j.Targets(patient(t), v.ID, jobs.TargetPage{State: jobs.Skipped, Limit: 9})
	if err != nil || len(skipped) != 1 || !strings.Contains(skipped[0].Why, "no body") {
		t.Errorf("skipped: %+v, %v", skipped, err)
	}
}
