package schedule_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/schedule"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func nightly() map[string]schedule.Source {
	return map[string]schedule.Source{"nightly": {Cron: "0 2 * * *", Action: "reconcile", Data: map[string]any{"since": "48h"}}}
}

// A bubble begins at midnight UTC of 2000-01-01.

func TestAnEventIsEmittedWhenItIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &fakeBroker{leader: 1}
		_, reg, stop := start(t, member{l, 1}, time.Hour, nightly())
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
		l.set(func() {
			if l.counts["nightly received"] != 3 || len(l.counts) != 1 {
				t.Errorf("counted for audits: %v", l.counts)
			}
		})
		if count(t, reg, "emitted") != 3 || count(t, reg, "failed") != 0 {
			t.Error("not counted")
		}
		stop()
	})
}

func TestAProcessWithoutTheBrokerDoesNotLead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &fakeBroker{leader: 1}
		_, reg, stop := start(t, member{l, 1}, time.Hour, nightly())
		defer stop()
		pass(time.Second)
		if got := leads(t, reg); got != 1 {
			t.Errorf("at first %v", got)
		}
		l.set(func() { l.down = true })
		pass(10 * time.Second)
		if got := leads(t, reg); got != 0 {
			t.Errorf("without the broker %v", got)
		}
	})
}

func TestAProcessThatEndsDoesNotLead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, reg, stop := start(t, member{&fakeBroker{leader: 1}, 1}, time.Hour, nightly())
		pass(time.Second)
		if got := leads(t, reg); got != 1 {
			t.Errorf("at first %v", got)
		}
		stop()
		if got := leads(t, reg); got != 0 {
			t.Errorf("at the end %v", got)
		}
	})
}

func TestOnlyTheLeaderEmits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &fakeBroker{leader: 1}
		_, first, stopFirst := start(t, member{l, 1}, 2*time.Hour, nightly())
		_, second, stopSecond := start(t, member{l, 2}, 2*time.Hour, nightly())
		pass(3 * time.Hour)
		l.set(func() { l.leader = 2 })
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

// The broker may have forgotten the event, because it remembers a limited number of events.
func TestAProcessThatLeadsAgainRemembersItsEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &fakeBroker{leader: 1}
		_, reg, stop := start(t, member{l, 1}, 2*time.Hour, nightly())
		pass(2*time.Hour + time.Minute)
		l.set(func() { l.leader, l.stored = 0, nil })
		pass(time.Minute)
		l.set(func() { l.leader = 1 })
		pass(time.Minute)
		if n := count(t, reg, "emitted"); n != 1 || l.ids() != "" {
			t.Errorf("emitted %v, again %q", n, l.ids())
		}
		l.set(func() { l.leader = 0 })
		pass(24 * time.Hour)
		l.set(func() { l.leader = 1 })
		pass(time.Minute)
		if l.ids() != "nightly-20000102T020000Z" {
			t.Errorf("of the events while it did not lead: %q", l.ids())
		}
		stop()
	})
}

func TestMissedEventsAreEmittedLateInsideTheWindow(t *testing.T) {
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
				l := &fakeBroker{leader: 1}
				for range 2 { // a restart does not emit again
					_, _, stop := start(t, member{l, 1}, c.window, nightly())
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

// TestTheSearchForMissedEventsEndsAfterAYear begins around 2001-03-01 at noon, 366 days after the event was due.
func TestTheSearchForMissedEventsEndsAfterAYear(t *testing.T) {
	for hour, want := range map[int]string{6: "leap-20000229T120000Z", 18: ""} {
		synctest.Test(t, func(t *testing.T) {
			pass(time.Until(time.Date(2001, 3, 1, hour, 0, 0, 0, time.UTC)))
			l := &fakeBroker{leader: 1}
			_, _, stop := start(t, member{l, 1}, 2*366*24*time.Hour, map[string]schedule.Source{"leap": {Cron: "0 12 29 2 *", Action: "leap"}})
			pass(time.Second)
			if l.ids() != want {
				t.Errorf("at %d o'clock: %q, want %q", hour, l.ids(), want)
			}
			stop()
		})
	}
}

func TestARefusedEventIsTriedAgainAndOnlyTheLatestIsEmitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &fakeBroker{leader: 1, refuse: broker.ErrDown}
		_, _, stop := start(t, member{l, 1}, 0, map[string]schedule.Source{"hourly": {Cron: "@hourly"}})
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
		l := &fakeBroker{leader: 1}
		e, _, stop := start(t, member{l, 1}, 2*time.Hour, nightly())
		pass(3 * time.Hour)
		next := map[string]schedule.Source{"nightly": {Cron: "30 2 * * *"}, "added": {Cron: "0 1,4 * * *"}}
		e.Reload(checked(t, next))
		pass(2 * time.Hour)
		if l.ids() != "nightly-20000101T020000Z added-20000101T040000Z" {
			t.Errorf("stored %q", l.ids())
		}
		stop()
	})
}

func TestEveryErrorNamesItsField(t *testing.T) {
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
		err := schedule.Sources{}.Add("nightly", c.source)
		var field *setting.FieldError
		if !errors.As(err, &field) || field.Field != c.field || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v", c.source, err)
		}
	}
	if err := (schedule.Sources{}).Add("x", schedule.Source{Cron: "*/5 8-18 * * MON-FRI", Zone: "America/New_York", Action: "a.b"}); err != nil {
		t.Error(err)
	}
}

func FuzzCron(f *testing.F) {
	for _, seed := range []string{"0 2 * * *", "@daily", "TZ=", "*/5,1-9/2 ? L * MON#2", "@every 1s", "-1 - , / *"} {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, text string) {
		_ = schedule.Sources{}.Add("x", schedule.Source{Cron: text}) // does not panic
	})
}
