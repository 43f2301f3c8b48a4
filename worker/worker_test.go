package worker_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeBroker delivers each route's deliveries, all at once, and keeps their outcomes.
type fakeBroker struct {
	deliveries map[string][]event.Delivery
	broken     map[string]error

	mu       sync.Mutex
	outcomes map[string][]broker.Outcome
}

func (b *fakeBroker) Consume(ctx context.Context, r broker.Route, fn broker.Process) error {
	if err := b.broken[r.Name]; err != nil {
		return err
	}
	var calls sync.WaitGroup
	for _, d := range b.deliveries[r.Name] {
		calls.Go(func() {
			o := fn(context.WithoutCancel(ctx), d)
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.outcomes == nil {
				b.outcomes = map[string][]broker.Outcome{}
			}
			b.outcomes[r.Name] = append(b.outcomes[r.Name], o)
			o.Settle(nil)
		})
	}
	<-ctx.Done()
	calls.Wait()
	return nil
}

// bench is a worker with its metrics and its log.
type bench struct {
	reg     *prometheus.Registry
	logs    *observer.ObservedLogs
	journal *fakeJournal
	*worker.Worker
}

// fakeJournal is a worker.Journal.
type fakeJournal struct {
	mu       sync.Mutex
	attempts map[string][]worker.Attempt // by route
}

func (j *fakeJournal) Ended(a worker.Attempt) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.attempts[a.Delivery.Route] = append(j.attempts[a.Delivery.Route], a)
}

func newBench(t *testing.T, consumer broker.Consumer, routes ...worker.Route) bench {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	reg := prometheus.NewRegistry()
	kept := &fakeJournal{attempts: map[string][]worker.Attempt{}}
	w, err := worker.New(worker.Config{Routes: routes, Grace: 20 * time.Second, Journal: kept}, consumer, reg, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	return bench{reg, logs, kept, w}
}

func route(name string, h handler.Func) worker.Route {
	r := worker.Defaults()
	r.Name, r.Match, r.Handler, r.Sources = name, []string{"#"}, h, []string{"alma"}
	return r
}

// runFor runs the worker in a bubble's time and returns the duration of the stop and Run's error.
func (b bench) runFor(d time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	err := b.Run(ctx)
	deadline, _ := ctx.Deadline()
	return time.Since(deadline), err
}

// series returns the worker's metrics: `name{label="value",...}` to value; of a histogram its count and sum.
func (b bench) series(t *testing.T) map[string]float64 {
	t.Helper()
	families, err := b.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			of := "{" + strings.Join(labels, ",") + "}"
			if h := m.GetHistogram(); h != nil {
				values[family.GetName()+"_count"+of] = float64(h.GetSampleCount())
				values[family.GetName()+"_sum"+of] = h.GetSampleSum()
				continue
			}
			values[family.GetName()+of] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return values
}

func TestEachDeliveryHasOneOutcomeOneLogLineOneRecordAndItsMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		secret := delivery("job_end", `{"patron":"secret"}`)
		second, crashed := secret, secret
		second.Attempt, crashed.Redelivered = 2, true
		fake := &fakeBroker{deliveries: map[string][]event.Delivery{
			"done": {secret}, "filtered": {secret}, "error": {second}, "permanent": {secret}, "timeout": {secret}, "panic": {secret}, "filter": {secret}, "goexit": {secret}, "crashed": {crashed}, "match": {secret},
		}}
		routes := []worker.Route{
			route("done", func(context.Context, event.Delivery) error { return nil }),
			route("filtered", func(context.Context, event.Delivery) error { return errors.New("not called") }),
			route("error", func(context.Context, event.Delivery) error { return errors.New("wrong") }),
			route("permanent", func(context.Context, event.Delivery) error { return handler.Permanent(errors.New("never")) }),
			route("timeout", func(ctx context.Context, _ event.Delivery) error { <-ctx.Done(); return context.Cause(ctx) }),
			route("panic", func(context.Context, event.Delivery) error { panic("boom") }),
			route("filter", func(context.Context, event.Delivery) error { return errors.New("not called") }),
			route("goexit", func(context.Context, event.Delivery) error { runtime.Goexit(); return nil }),
			route("crashed", func(context.Context, event.Delivery) error { return errors.New("not called") }),
			route("match", func(context.Context, event.Delivery) error { return errors.New("not called") }),
		}
		routes[9].Match = []string{"alma.loan.#", "github.job_end"}
		routes[1].Where = filter(t, `data.patron == "other"`)
		routes[6].Where = filter(t, `data.missing < 5`)
		b := newBench(t, fake, routes...)
		if took, err := b.runFor(time.Minute); err != nil || took != 0 {
			t.Fatalf("%v after %v", err, took)
		}

		for name, want := range map[string]struct {
			outcome, reason string
			attempt         int64
			duration        time.Duration
		}{
			"done":      {"done", "", 1, 0},
			"filtered":  {"filtered", "", 1, 0},
			"error":     {"retried", "error", 2, 0},
			"permanent": {"dead", "permanent", 1, 0},
			"timeout":   {"retried", "timeout", 1, 30 * time.Second},
			"panic":     {"retried", "panic", 1, 0},
			"filter":    {"dead", "filter", 1, 0},
			"goexit":    {"retried", "error", 1, 0},
			"crashed":   {"retried", "crashed", 1, 0},
			"match":     {"dead", "match", 1, 0},
		} {
			lines := b.logs.FilterField(zap.String("route", name)).All()
			if len(lines) != 1 || len(fake.outcomes[name]) != 1 {
				t.Errorf("%s: %d lines, %d outcomes", name, len(lines), len(fake.outcomes[name]))
				continue
			}
			got := lines[0].ContextMap()
			if got["outcome"] != want.outcome || got["attempt"] != want.attempt || got["duration"] != want.duration || got["id"] != "561" || got["source"] != "alma" || got["action"] != "job_end" {
				t.Errorf("%s: %v", name, got)
			}
			if reason, _ := got["reason"].(string); reason != want.reason {
				t.Errorf("%s: reason %q", name, reason)
			}
			if _, retried := got["retry_in"]; retried != (want.outcome == "retried") {
				t.Errorf("%s: %v", name, got)
			}
			if _, stack := got["stack"]; stack != (name == "panic") {
				t.Errorf("%s: %v", name, got)
			}
			attempts := b.journal.attempts[name]
			if len(attempts) != 1 || attempts[0].Outcome != want.outcome || attempts[0].Reason != want.reason || attempts[0].Duration != want.duration || int64(attempts[0].Delivery.Attempt) != want.attempt {
				t.Errorf("%s: the journal has %+v", name, attempts)
			}
			if strings.Contains(fmt.Sprint(got), "secret") {
				t.Errorf("%s: the body is in the log: %v", name, got)
			}
		}
		series := b.series(t)
		for name, want := range map[string]float64{
			`hookline_worker_deliveries_total{outcome="done",route="done"}`:         1,
			`hookline_worker_deliveries_total{outcome="filtered",route="filtered"}`: 1,
			`hookline_worker_deliveries_total{outcome="dead",route="permanent"}`:    1,
			`hookline_worker_deliveries_total{outcome="retried",route="timeout"}`:   1,
			`hookline_worker_failures_total{reason="filter",route="filter"}`:        1,
			`hookline_worker_failures_total{reason="panic",route="panic"}`:          1,
			`hookline_worker_failures_total{reason="timeout",route="timeout"}`:      1,
			`hookline_worker_handle_seconds_sum{route="timeout"}`:                   30,
			`hookline_worker_handle_seconds_count{route="filtered"}`:                0,
			`hookline_worker_handle_seconds_count{route="crashed"}`:                 0,
			`hookline_worker_attempts_count{route="done"}`:                          1,
			`hookline_worker_attempts_count{route="permanent"}`:                     1,
			`hookline_worker_attempts_count{route="error"}`:                         0,
			`hookline_worker_in_flight{route="done"}`:                               0,
		} {
			if got, ok := series[name]; got != want || !ok {
				t.Errorf("%s = %v, exists: %v", name, got, ok)
			}
		}
	})
}

func TestEverySeriesExistsAtZero(t *testing.T) {
	t.Parallel()
	b := newBench(t, &fakeBroker{}, route("r", succeed))
	series := b.series(t)
	for name, value := range series {
		if value != 0 {
			t.Errorf("%s = %v", name, value)
		}
	}
	if len(series) != 5+7+2+2+6+2*2 {
		t.Errorf("%d series: %v", len(series), series)
	}
}

// The bounds are part of the names of series, which dashboards and alert rules use.
func TestTheBoundsOfTheHistograms(t *testing.T) {
	t.Parallel()
	families, err := newBench(t, &fakeBroker{}, route("r", succeed)).reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]float64{
		"hookline_worker_attempts":       {1, 2, 3, 5, 10, 20},
		"hookline_worker_handle_seconds": {.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300},
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			var bounds []float64
			for _, bucket := range m.GetHistogram().GetBucket() {
				bounds = append(bounds, bucket.GetUpperBound())
			}
			if !slices.Equal(bounds, want[family.GetName()]) {
				t.Errorf("%s: %v", family.GetName(), bounds)
			}
		}
	}
}

func succeed(context.Context, event.Delivery) error { return nil }

func TestDeliveriesInProgressAndTheAgeOfTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		young, old := delivery("a", ""), delivery("a", "")
		young.Event.Time, old.Event.Time = time.Now(), time.Now().Add(-time.Hour)
		release := make(chan struct{})
		b := newBench(t, &fakeBroker{deliveries: map[string][]event.Delivery{"r": {young, old}}}, route("r", func(context.Context, event.Delivery) error {
			<-release
			return nil
		}))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- b.Run(ctx) }()
		synctest.Wait()
		const inFlight, age = `hookline_worker_in_flight{route="r"}`, `hookline_worker_oldest_age_seconds{route="r"}`
		if got := b.series(t); got[inFlight] != 2 || got[age] != 3600 {
			t.Errorf("two in progress: %v", got)
		}
		close(release)
		synctest.Wait()
		if got := b.series(t); got[inFlight] != 0 || got[age] != 0 {
			t.Errorf("none in progress: %v", got)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestARouteThatCannotBeConsumedLeavesItsNeighboursAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := errors.New("no such queue")
		fake := &fakeBroker{deliveries: map[string][]event.Delivery{"good": {delivery("a", "")}}, broken: map[string]error{"bad": gone}}
		b := newBench(t, fake, route("bad", succeed), route("good", succeed))
		took, err := b.runFor(time.Hour)
		if !errors.Is(err, gone) || !strings.Contains(err.Error(), "route bad") || took != 0 {
			t.Errorf("%v after %v", err, took)
		}
		if len(fake.outcomes["good"]) != 1 || b.logs.FilterLevelExact(zapcore.ErrorLevel).Len() != 1 {
			t.Errorf("outcomes %v, log %v", fake.outcomes, b.logs.All())
		}
	})
}

func TestNewNamesEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	bad := worker.Route{Route: broker.Route{Name: "Bad"}, Retry: worker.Retry{Max: 25 * time.Hour}}
	twice := route("twice", succeed)
	_, err := worker.New(worker.Config{Grace: -1, Routes: []worker.Route{bad, twice, twice}}, &fakeBroker{}, prometheus.NewRegistry(), zap.NewNop())
	for _, want := range []string{"grace", `"Bad": a name`, "match is empty", "routes.Bad.concurrency: is 0", "handler: is missing", "timeout: is 0s", "retry.attempts: is 0", "retry.first: is 0s", "retry.max: is 25h0m0s", "pause.ratio: is 0", "pause.first: is 0s", `"twice": named twice`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	if _, err := worker.New(worker.Config{}, &fakeBroker{}, prometheus.NewRegistry(), zap.NewNop()); err != nil {
		t.Errorf("a worker without routes: %v", err)
	}
	reg := prometheus.NewRegistry()
	cfg := worker.Config{Routes: []worker.Route{twice}}
	if _, err := worker.New(cfg, &fakeBroker{}, reg, zap.NewNop()); err != nil {
		t.Error(err)
	}
	if _, err := worker.New(cfg, &fakeBroker{}, reg, zap.NewNop()); err == nil {
		t.Error("metrics of two workers in one registry")
	}
}

func filter(t *testing.T, where string) *worker.Filter {
	t.Helper()
	f, err := worker.NewFilter(where)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
