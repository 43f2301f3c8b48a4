package schedule_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/schedule"
)

// line keeps what is published, tells duplicates, and lets one process at a time have the turn.
type line struct {
	mu     sync.Mutex
	stored []event.Event
	refuse error
	turn   int  // the process that has it
	away   bool // nobody hears whose turn it is
}

// of is the line as one process sees it.
type of struct {
	*line
	process int
}

func (l of) Leads(ctx context.Context, _ broker.LeaderRole) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away {
		<-ctx.Done()
		return false, ctx.Err()
	}
	return l.turn == l.process, nil
}

func (l of) Count(string, string) {}

func (l *line) Publish(_ context.Context, e event.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuse != nil {
		return l.refuse
	}
	if slices.ContainsFunc(l.stored, func(s event.Event) bool { return s.ID == e.ID }) {
		return broker.ErrDuplicate
	}
	l.stored = append(l.stored, e)
	return nil
}

func (l *line) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

func (l *line) ids() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var ids []string
	for _, e := range l.stored {
		ids = append(ids, e.ID)
	}
	return strings.Join(ids, " ")
}

func start(t *testing.T, l schedule.Broker, window time.Duration, sources map[string]schedule.Source) (*schedule.Emitter, *prometheus.Registry, func()) {
	t.Helper()
	reg := prometheus.NewRegistry()
	e, err := schedule.New(schedule.Config{Sources: checked(t, sources), Window: window}, l, reg, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	return e, reg, func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// pass lets time go by in a bubble, and everybody come to rest after it.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// count is the number of nightly's events with that result.
func count(t *testing.T, reg *prometheus.Registry, result string) float64 {
	t.Helper()
	return value(t, reg, "hookline_schedule_events_total", result, "nightly")
}

// turn is whether a process says that it is its turn.
func turn(t *testing.T, reg *prometheus.Registry) float64 {
	t.Helper()
	return value(t, reg, "hookline_schedule_turn")
}

func value(t *testing.T, reg *prometheus.Registry, name string, labels ...string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			var values []string
			for _, label := range m.GetLabel() {
				values = append(values, label.GetValue())
			}
			if family.GetName() == name && slices.Equal(values, labels) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("no series %s %v", name, labels)
	return 0
}

// checked makes the sources ready for an Emitter.
func checked(t *testing.T, sources map[string]schedule.Source) schedule.Sources {
	t.Helper()
	all := schedule.Sources{}
	for name, s := range sources {
		if err := all.Add(name, s); err != nil {
			t.Fatal(err)
		}
	}
	return all
}
