package expect_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/expect"
	"github.com/hookline/hookline/pkg/event"
)

// world plays the journal and the broker.
type world struct {
	mu sync.Mutex
	facts
}

type facts struct {
	came   time.Time // the newest event of each route
	failed error     // of the journal
	down   error     // of the broker
	told   []event.Event
	counts []string
}

func (w *world) Latest(_ context.Context, _ string, since time.Time) (time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.came.After(since) {
		return w.came, w.failed
	}
	return time.Time{}, w.failed
}

func (w *world) Publish(_ context.Context, e event.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down != nil {
		return w.down
	}
	if slices.ContainsFunc(w.told, func(t event.Event) bool { return t.ID == e.ID }) {
		return broker.ErrDuplicate
	}
	w.told = append(w.told, e)
	return nil
}

func (w *world) Count(_, kind string) {
	w.set(func(f *facts) { f.counts = append(f.counts, kind) })
}

// set changes the facts while a watch runs.
func (w *world) set(change func(*facts)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.facts)
}

// now returns the facts.
func (w *world) now() facts {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.facts
}

// ids returns the IDs of the events that told of missing ones.
func (w *world) ids() (ids []string) {
	for _, e := range w.now().told {
		ids = append(ids, e.ID)
	}
	return ids
}

// watching is a running watch of the route r.
type watching struct {
	*expect.Watch
	reg  *prometheus.Registry
	stop func()
}

// watch runs a watch inside a bubble until stop.
func watch(t *testing.T, w *world, file string, c expect.Config) watching {
	t.Helper()
	reg := prometheus.NewRegistry()
	made, err := expect.New(map[string]expect.Config{"r": c}, file, w, w, reg, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		made.Run(ctx)
	}()
	return watching{made, reg, func() { cancel(); <-ended }}
}

// until waits until a time of the bubble's clock, and then for the watch's next check.
func until(t *testing.T, at string) {
	t.Helper()
	when, err := time.Parse(time.RFC3339, at)
	if err != nil {
		t.Fatal(err)
	}
	<-time.After(time.Until(when))
	synctest.Wait()
}

// TestAMissingEventIsToldOnce begins at 2000-01-01T00:00:00Z, as each bubble.
func TestAMissingEventIsToldOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		p := watch(t, w, filepath.Join(t.TempDir(), "expected.json"), expect.Config{Every: 24 * time.Hour, By: "06:00"})
		defer p.stop()
		until(t, "2000-01-02T05:59:59Z") // the first period is quiet, and the second not over
		if len(w.now().told) > 0 || len(p.Overdue()) > 0 {
			t.Fatalf("told %v", w.ids())
		}
		until(t, "2000-01-02T06:00:11Z")
		if want := []string{"missing-r-20000102T060000Z"}; !slices.Equal(w.ids(), want) || len(p.Overdue()) != 1 || !slices.Equal(w.now().counts, []string{broker.CountReceived}) {
			t.Fatalf("told %v, counts %v, overdue %v", w.ids(), w.now().counts, p.Overdue())
		}
		if e := w.now().told[0]; e.Key() != "hookline.expected_missing" || !strings.Contains(string(e.Data), `"route":"r"`) || !strings.Contains(string(e.Data), `"due":"2000-01-02T06:00:00Z"`) {
			t.Errorf("%+v: %s", e, e.Data)
		}
		until(t, "2000-01-04T00:00:11Z")
		if got := metric(t, p.reg); len(w.now().told) != 1 || got < 42*3600 {
			t.Errorf("told %v; %v seconds overdue", w.ids(), got)
		}
		w.set(func(f *facts) { f.came = time.Now() })
		until(t, "2000-01-04T00:00:31Z")
		if got := metric(t, p.reg); got != 0 || len(p.Overdue()) > 0 {
			t.Errorf("still %v seconds overdue", got)
		}
		until(t, "2000-01-05T06:00:11Z")
		if len(w.now().told) != 2 || w.now().told[1].ID != "missing-r-20000105T060000Z" {
			t.Errorf("told %v", w.ids())
		}
	})
}

func metric(t *testing.T, reg *prometheus.Registry) float64 {
	t.Helper()
	found, err := reg.Gather()
	if err != nil || len(found) != 1 || found[0].GetName() != "hookline_route_expected_overdue_seconds" {
		t.Fatalf("%v, %v", found, err)
	}
	return found[0].GetMetric()[0].GetGauge().GetValue()
}

func TestARestartForgetsNothingAndTellsNothingTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, file, c := &world{}, filepath.Join(t.TempDir(), "expected.json"), expect.Config{Every: time.Hour}
		p := watch(t, w, file, c)
		until(t, "2000-01-01T00:30:00Z")
		p.stop()
		p = watch(t, w, file, c) // the period goes on from before
		until(t, "2000-01-01T01:00:11Z")
		p.stop()
		if len(w.now().told) != 1 {
			t.Fatalf("told %v", w.ids())
		}
		p = watch(t, w, file, c)
		until(t, "2000-01-01T02:00:11Z")
		p.stop()
		if len(w.now().told) != 1 || len(w.now().counts) != 1 {
			t.Errorf("told %v, counts %v", w.ids(), w.now().counts)
		}
		if err := os.Remove(file); err != nil { // another process with a file of its own
			t.Fatal(err)
		}
		w.set(func(f *facts) { f.came = time.Now() })
		p = watch(t, w, file, c)
		until(t, "2000-01-01T02:30:11Z")
		p.stop()
		if len(w.now().told) != 1 {
			t.Errorf("a new watch told %v", w.ids())
		}
	})
}

func TestADownBrokerIsToldLaterAndAFailingJournalTellsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{facts: facts{down: broker.ErrDown, failed: errors.New("locked")}}
		p := watch(t, w, filepath.Join(t.TempDir(), "expected.json"), expect.Config{Every: time.Hour})
		defer p.stop()
		until(t, "2000-01-01T02:00:00Z")
		w.set(func(f *facts) { f.failed = nil })
		until(t, "2000-01-01T03:00:00Z")
		if len(w.now().told) > 0 {
			t.Fatalf("told %v", w.ids())
		}
		w.set(func(f *facts) { f.down = nil })
		until(t, "2000-01-01T03:00:11Z")
		if len(w.now().told) != 1 || w.now().told[0].ID != "missing-r-20000101T010000Z" {
			t.Errorf("told %v", w.ids())
		}
	})
}

func TestADamagedFileBeginsAnew(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "expected.json")
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		p := watch(t, w, file, expect.Config{Every: time.Hour})
		until(t, "2000-01-01T01:00:11Z")
		p.stop()
		if len(w.now().told) != 1 {
			t.Errorf("told %v", w.ids())
		}
	})
}
