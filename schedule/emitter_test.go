package schedule_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/schedule"
)

// watched runs an emitter whose log and metrics a test reads.
func watched(t *testing.T, l schedule.Broker, window time.Duration, sources map[string]schedule.Source) (*observer.ObservedLogs, *prometheus.Registry, func()) {
	t.Helper()
	core, logs := observer.New(zapcore.InfoLevel)
	reg := prometheus.NewRegistry()
	kept, _ := l.(schedule.Journal)
	e, err := schedule.New(schedule.Config{Sources: checked(t, sources), Window: window, Journal: kept}, l, reg, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	return logs, reg, func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestTwoEmittersInOneRegistryAreAnError(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	for i, ok := range []bool{true, false} {
		e, err := schedule.New(schedule.Config{}, &member{}, reg, zap.NewNop())
		if (err == nil) != ok || (e != nil) != ok {
			t.Errorf("emitter %d: %v, %v", i+1, e, err)
		}
	}
}

// TestTheLogSaysOnceThatTheLeaderIsUnknown has a broker that is down twice.
func TestTheLogSaysOnceThatTheLeaderIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &candidate{member: member{&fakeBroker{leader: 1}, 1}}
		logs, reg, stop := watched(t, c, time.Hour, nightly())
		for outage := range 2 {
			c.away.Store(true)
			pass(time.Minute)
			c.away.Store(false)
			pass(time.Minute)
			if got := logs.FilterMessage("the process that emits scheduled events is unknown; trying again").Len(); got != outage+1 {
				t.Errorf("%d messages after %d outages", got, outage+1)
			}
		}
		if leads(t, reg) != 1 {
			t.Error("does not lead again")
		}
		c.away.Store(true)
		pass(3 * time.Second) // an election is running, the first without an answer
		before := logs.Len()
		stop()
		if leads(t, reg) != 0 || logs.Len() > before {
			t.Errorf("leads after its end: %v; the log says %v", leads(t, reg), logs.All()[before:])
		}
	})
}

func TestAnEventThatIsNotStoredIsLoggedAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &fakeBroker{leader: 1, refuse: broker.ErrDown}
		logs, reg, stop := watched(t, member{l, 1}, time.Hour, nightly())
		pass(2*time.Hour + 2*time.Second + time.Second/2) // due, and tried again after one and two seconds
		refused := logs.FilterMessage("scheduled event not stored; trying again")
		if refused.Len() != 3 || count(t, reg, "failed") != 3 || refused.All()[0].ContextMap()["reason"] != "down" {
			t.Errorf("%v; failed %v", refused.All(), count(t, reg, "failed"))
		}
		l.set(func() {
			l.refuse = nil
			if len(l.counts) != 0 {
				t.Errorf("counted for audits: %v", l.counts)
			}
		})
		pass(time.Second)
		stored := logs.FilterMessage("scheduled event emitted")
		if stored.Len() != 1 || count(t, reg, "emitted") != 1 {
			t.Fatalf("%v", logs.All())
		}
		if fields := stored.All()[0].ContextMap(); fields["source"] != "nightly" || fields["action"] != "reconcile" || fields["late"] != 3*time.Second {
			t.Errorf("%v", fields)
		}
		stop()
	})
}

// TestARepeatIsCountedAsReceivedAndAsADuplicate has the restart of a process, after which the broker knows the event.
func TestARepeatIsCountedAsReceivedAndAsADuplicate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &fakeBroker{leader: 1}
		kept := &journaled{member: member{l, 1}}
		pass(2*time.Hour + time.Minute)
		for range 2 {
			logs, _, stop := watched(t, kept, time.Hour, nightly())
			pass(time.Second)
			stop()
			if len(l.counts) == 2 && logs.FilterMessage("scheduled event was emitted before").Len() != 1 {
				t.Errorf("the log says %v", logs.All())
			}
		}
		if len(kept.stored) != 1 || kept.stored[0].Source != "nightly" {
			t.Errorf("the journal has %v", kept.stored)
		}
		if l.counts["nightly received"] != 2 || l.counts["nightly duplicate"] != 1 {
			t.Errorf("%v", l.counts)
		}
	})
}

// journaled is a broker that is a schedule.Journal, too.
type journaled struct {
	member
	stored []event.Event
}

func (j *journaled) Stored(e event.Event, _ string) { j.stored = append(j.stored, e) }

// candidate is a broker that counts elections, and answers none while it is away.
type candidate struct {
	member
	elections int
	away      atomic.Bool
}

func (c *candidate) Leads(ctx context.Context, role broker.LeaderRole) (bool, error) {
	c.elections++
	if _, limited := ctx.Deadline(); !limited {
		return false, errors.New("an election without an end")
	}
	if c.away.Load() {
		<-ctx.Done()
		return false, ctx.Err()
	}
	return c.member.Leads(ctx, role)
}

func TestWithoutASourceThereIsNoElection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, sources := range []map[string]schedule.Source{nil, nightly()} {
			c := &candidate{member: member{&fakeBroker{leader: 1}, 1}}
			_, reg, stop := watched(t, c, time.Hour, sources)
			pass(time.Minute)
			stop()
			if (c.elections > 0) != (len(sources) > 0) {
				t.Errorf("%d elections for %d sources", c.elections, len(sources))
			}
			families, err := reg.Gather()
			if err != nil || len(families) == 0 {
				t.Error(err)
			}
		}
	})
}

// TestTheLeaderLooksAtTheClockEachSecond has a process that does not lead, and asks every five seconds.
func TestTheLeaderLooksAtTheClockEachSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for leader, want := range map[int]int{1: 61, 2: 13} {
			c := &candidate{member: member{&fakeBroker{leader: leader}, 1}}
			_, _, stop := watched(t, c, time.Hour, nightly())
			pass(time.Minute)
			stop()
			if c.elections != want {
				t.Errorf("leader %d: %d elections in a minute, want %d", leader, c.elections, want)
			}
		}
	})
}

func TestSourcesAreCheckedAtTheirFields(t *testing.T) {
	t.Parallel()
	for field, s := range map[string]schedule.Source{
		"zone: ":   {Cron: "@daily", Zone: "Mars/Olympus"},
		`zone: "L`: {Cron: "@daily", Zone: "Local"},
		"cron: n":  {Cron: "TZ=UTC 0 2 * * *"},
		"cron: @":  {Cron: "@every 5m"},
		"cron: ":   {Cron: "0 2 *"},
		"never":    {Cron: "0 0 30 2 *"},
		"action: ": {Cron: "@daily", Action: "Two Words"},
		"data: \"": {Cron: "@daily", Data: map[string]any{"due": 1}},
		"data: c":  {Cron: "@daily", Data: map[string]any{"a": func() {}}},
	} {
		all := schedule.Sources{}
		if err := all.Add("x", s); err == nil || !strings.Contains(err.Error(), field) || len(all) != 0 {
			t.Errorf("%+v: %v, want %q", s, err, field)
		}
	}
}
