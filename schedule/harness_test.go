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

// fakeBroker keeps published events, detects duplicates, and has one leader at a time.
type fakeBroker struct {
	mu     sync.Mutex
	stored []event.Event
	refuse error
	leader int  // the process that leads
	down   bool // no election is answered
	counts map[string]int
}

// member is the broker as one process sees it.
type member struct {
	*fakeBroker
	process int
}

func (l member) Leads(ctx context.Context, _ broker.LeaderRole) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		<-ctx.Done()
		return false, ctx.Err()
	}
	return l.leader == l.process, nil
}

func (l member) Count(source, kind string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = map[string]int{}
	}
	l.counts[source+" "+kind]++
}

func (l *fakeBroker) Publish(_ context.Context, e event.Event) error {
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

func (l *fakeBroker) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

func (l *fakeBroker) ids() string {
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

// pass lets time pass in a bubble, and waits until every goroutine is blocked.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// count returns the number of events of nightly with a result.
func count(t *testing.T, reg *prometheus.Registry, result string) float64 {
	t.Helper()
	return value(t, reg, "hookline_schedule_events_total", result, "nightly")
}

// leads returns 1 if a process shows that it leads.
func leads(t *testing.T, reg *prometheus.Registry) float64 {
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
