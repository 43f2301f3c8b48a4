package schedule_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/hookline/hookline/pkg/broker"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/schedule"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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

func (l of) EmitTurn(ctx context.Context) (bool, error) {
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

func start(t *testing.T, l schedule.Line, window time.Duration, sources map[string]schedule.Source) (*schedule.Emitter, *prometheus.Registry, func()) {
	t.Helper()
	reg := prometheus.NewRegistry()
	e, err := schedule.New(schedule.Config{Sources: sources, Window: window}, l, reg, zap.NewNop())
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

func nightly() map[string]schedule.Source {
	return map[string]schedule.Source{"nightly": {Cron: "0 2 * * *", Action: "reconcile", Data: map[string]any{"since": "48h"}}}
}

// In a bubble it is midnight UTC of 2000-01-01 at first.

func TestAnEventIsEmittedWhenItIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{turn: 1}
		_, reg, stop := start(t, of{l, 1}, time.Hour, nightly())
		pass(2*time.Hour - time.Second)
		if l.ids() != "" {
			t.Fatalf("early: %s", l.ids())
		}
		pass(2 * time.Second)
		if l.ids() != "nightly-20000101T020000Z" {
			t.Fatalf("stored %q", l.ids())
		}
		var e event.Event
		l.set(func() { e = l.stored[0] })
		if e.Key() != "nightly.reconcile" || string(e.Data) != `{"due":"2000-01-01T02:00:00Z","since":"48h"}` || e.ContentType != "application/json" || e.Time.Before(time.Date(2000, 1, 1, 2, 0, 0, 0, time.UTC)) {
			t.Errorf("%+v %s", e, e.Data)
		}
		pass(48 * time.Hour)
		if got := strings.Count(l.ids(), "nightly"); got != 3 {
			t.Errorf("%d events: %s", got, l.ids())
		}
		if count(t, reg, "emitted") != 3 || count(t, reg, "failed") != 0 {
			t.Error("not counted")
		}
		stop()
	})
}

func TestAProcessThatHasLostTheLineDoesNotSayThatItIsItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{turn: 1}
		_, reg, stop := start(t, of{l, 1}, time.Hour, nightly())
		defer stop()
		pass(time.Second)
		if got := turn(t, reg); got != 1 {
			t.Errorf("at first %v", got)
		}
		l.set(func() { l.away = true })
		pass(10 * time.Second)
		if got := turn(t, reg); got != 0 {
			t.Errorf("without the line %v", got)
		}
	})
}

func TestOnlyTheProcessWhoseTurnItIsEmits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{turn: 1}
		_, first, stopFirst := start(t, of{l, 1}, 2*time.Hour, nightly())
		_, second, stopSecond := start(t, of{l, 2}, 2*time.Hour, nightly())
		pass(3 * time.Hour)
		l.set(func() { l.turn = 2 })
		pass(24 * time.Hour)
		if l.ids() != "nightly-20000101T020000Z nightly-20000102T020000Z" {
			t.Errorf("stored %q", l.ids())
		}
		stopFirst()
		stopSecond()
		if n := count(t, first, "emitted"); n != 1 {
			t.Errorf("the first emitted %v", n)
		}
		if e, d := count(t, second, "emitted"), count(t, second, "duplicate"); e != 1 || d != 1 {
			t.Errorf("the second emitted %v, and %v that the first had emitted", e, d)
		}
	})
}

// The line may have forgotten it: it remembers so many events only.
func TestAProcessThatHasItsTurnAgainRemembersWhatItEmitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{turn: 1}
		_, reg, stop := start(t, of{l, 1}, 2*time.Hour, nightly())
		pass(2*time.Hour + time.Minute)
		l.set(func() { l.turn, l.stored = 0, nil })
		pass(time.Minute)
		l.set(func() { l.turn = 1 })
		pass(time.Minute)
		if n := count(t, reg, "emitted"); n != 1 || l.ids() != "" {
			t.Errorf("emitted %v, again %q", n, l.ids())
		}
		l.set(func() { l.turn = 0 })
		pass(24 * time.Hour)
		l.set(func() { l.turn = 1 })
		pass(time.Minute)
		if l.ids() != "nightly-20000102T020000Z" {
			t.Errorf("of what was due while it had no turn: %q", l.ids())
		}
		stop()
	})
}

func TestWhatWasMissedIsEmittedLateIfTheLineWouldKnowIt(t *testing.T) {
	for name, c := range map[string]struct {
		window time.Duration
		start  time.Duration // after midnight
		want   string
	}{
		"inside the window":     {2 * time.Hour, 3 * time.Hour, "nightly-20000101T020000Z"},
		"before the window":     {2 * time.Hour, 5 * time.Hour, ""},
		"no memory, no looking": {0, 2*time.Hour + time.Second, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pass(c.start)
				l := &line{turn: 1}
				for range 2 { // a restart does not emit again
					_, _, stop := start(t, of{l, 1}, c.window, nightly())
					pass(time.Minute)
					stop()
				}
				if l.ids() != c.want {
					t.Errorf("stored %q", l.ids())
				}
			})
		})
	}
}

func TestWhatTheLineRefusesIsTriedAgainAndOnlyTheLatestIsEmitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{turn: 1, refuse: broker.ErrDown}
		_, _, stop := start(t, of{l, 1}, 0, map[string]schedule.Source{"hourly": {Cron: "@hourly"}})
		pass(3*time.Hour + 30*time.Minute)
		l.set(func() { l.refuse = nil })
		pass(time.Minute)
		if l.ids() != "hourly-20000101T030000Z" {
			t.Errorf("stored %q", l.ids())
		}
		stop()
	})
}

func TestAReloadAddsNothingThatWasDueBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{turn: 1}
		e, _, stop := start(t, of{l, 1}, 2*time.Hour, nightly())
		pass(3 * time.Hour)
		next := map[string]schedule.Source{"nightly": {Cron: "30 2 * * *"}, "added": {Cron: "0 1,4 * * *"}}
		if err := e.Reload(next); err != nil {
			t.Fatal(err)
		}
		if err := e.Reload(map[string]schedule.Source{"added": {Cron: "nonsense"}}); err == nil {
			t.Error("nonsense was taken")
		}
		pass(2 * time.Hour)
		if l.ids() != "nightly-20000101T020000Z added-20000101T040000Z" {
			t.Errorf("stored %q", l.ids())
		}
		stop()
	})
}

func TestEverythingWrongIsNamedAtItsField(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		source schedule.Source
		field  string
		says   string
	}{
		{schedule.Source{}, "cron", "minute, hour"},
		{schedule.Source{Cron: "61 * * * *"}, "cron", "61"},
		{schedule.Source{Cron: "TZ= * * * *"}, "cron", "under zone"},
		{schedule.Source{Cron: "@every 5m"}, "cron", "*/5 * * * *"},
		{schedule.Source{Cron: "0 0 31 2 *"}, "cron", "never"},
		{schedule.Source{Cron: "@daily", Zone: "Vienna"}, "zone", "Europe/Vienna"},
		{schedule.Source{Cron: "@daily", Zone: "Local"}, "zone", "Europe/Vienna"},
		{schedule.Source{Cron: "@daily", Action: "Re concile"}, "action", "a-z"},
		{schedule.Source{Cron: "@daily", Data: map[string]any{"due": 1}}, "data", "another name"},
	} {
		err := c.source.Check("nightly")
		var field *schedule.FieldError
		if !errors.As(err, &field) || field.Field != c.field || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v", c.source, err)
		}
	}
	if err := (schedule.Source{Cron: "*/5 8-18 * * MON-FRI", Zone: "America/New_York", Action: "a.b"}).Check("x"); err != nil {
		t.Error(err)
	}
}

func FuzzCron(f *testing.F) {
	for _, seed := range []string{"0 2 * * *", "@daily", "TZ=", "*/5,1-9/2 ? L * MON#2", "@every 1s", "-1 - , / *"} {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, text string) {
		_ = schedule.Source{Cron: text}.Check("x") // does not panic
	})
}
