package spool_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/spool"
	"github.com/hookline/hookline/pkg/event"
)

func TestReadyNeedsTheBrokerOrTheDisk(t *testing.T) {
	t.Parallel()
	disk := fmt.Errorf("%w: disk I/O error", broker.ErrRefused)
	for name, c := range map[string]struct {
		broker, store error
		text          string // its begin; "" means an error
	}{
		"both":            {nil, nil, "ok"},
		"the broker only": {nil, disk, "ok, but the spool cannot replace the broker: "},
		"the disk only":   {broker.ErrDown, nil, "ok, events of github are spooled"},
		"neither":         {broker.ErrDown, disk, ""},
	} {
		r := newRig(t, newFakeBroker(), store{err: c.store})
		r.fake.become(fault{ready: c.broker})
		text, err := r.Ready()
		if (err == nil) != (c.text != "") || !strings.HasPrefix(text, c.text) || c.text == "ok" && text != "ok" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
		if err != nil && (!errors.Is(err, broker.ErrDown) || !strings.Contains(err.Error(), "disk I/O error")) {
			t.Errorf("%s: the error names only one: %v", name, err)
		}
		want := 1.0
		if c.store != nil {
			want = 0
		}
		r.expect(t, "usable", "", want)
	}
}

// halfStore fails in one method.
type halfStore struct {
	store
	failing string
}

func (s halfStore) fails(method string) error {
	if s.failing == method {
		return errors.New(method)
	}
	return nil
}
func (s halfStore) Ready() error { return s.fails("Ready") }
func (s halfStore) Oldest(context.Context) (time.Time, error) {
	return time.Time{}, s.fails("Oldest")
}
func (s halfStore) OldestUnrefused(context.Context, string) (time.Time, error) {
	return time.Time{}, s.fails("OldestUnrefused")
}
func (s halfStore) Size(context.Context) (int, int, int64, error) { return 7, 5, 3, s.fails("Size") }

// TestAnUnreadableSpoolReportsNoNumbers has an absent series where the number is unknown: 0 would say that all is well.
func TestAnUnreadableSpoolReportsNoNumbers(t *testing.T) {
	t.Parallel()
	for failing, want := range map[string]map[string]float64{
		"":                {"usable": 1, "waiting": 7, "dead_letters": 5, "bytes": 3, "oldest_age_seconds": 0},
		"Ready":           {"usable": 0, "waiting": 7, "dead_letters": 5, "bytes": 3, "oldest_age_seconds": 0},
		"OldestUnrefused": {"usable": 0, "waiting": 7, "dead_letters": 5, "bytes": 3, "oldest_age_seconds": 0},
		"Oldest":          {"usable": 1, "waiting": 7, "dead_letters": 5, "bytes": 3},
		"Size":            {"usable": 1},
	} {
		r := newRig(t, newFakeBroker(), halfStore{failing: failing})
		families, err := r.reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]float64{}
		for _, family := range families {
			name := strings.TrimPrefix(family.GetName(), "hookline_spool_")
			if _, isNumber := (map[string]bool{"usable": true, "waiting": true, "dead_letters": true, "bytes": true, "oldest_age_seconds": true})[name]; isNumber {
				got[name] = family.GetMetric()[0].GetGauge().GetValue()
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q fails: %v, not %v", failing, got, want)
		}
	}
}

// deliveries is a Store that delivers one event once, at a given attempt, and keeps the outcome.
type deliveries struct {
	store
	attempt int
	outcome chan broker.Outcome
}

func (s deliveries) Consume(ctx context.Context, r broker.Route, fn broker.Process) error {
	s.outcome <- fn(ctx, event.Delivery{Event: sample("1"), Route: r.Name, Attempt: s.attempt})
	<-ctx.Done()
	return nil
}

func TestAnEventThatTheBrokerDoesNotStoreWaitsLongerEachTime(t *testing.T) {
	t.Parallel()
	for attempt, want := range map[int]time.Duration{
		1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 6: 32 * time.Second, 7: 64 * time.Second, 8: 64 * time.Second, 1000: 64 * time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := deliveries{attempt: attempt, outcome: make(chan broker.Outcome, 1)}
			r := newRig(t, newFakeBroker(), s)
			var tries []time.Time
			var mu sync.Mutex
			r.fake.become(fault{publish: func(context.Context, event.Event) error {
				mu.Lock()
				defer mu.Unlock()
				tries = append(tries, time.Now())
				return fmt.Errorf("no queue: %w", broker.ErrRefused)
			}})
			stop := r.run(t)
			o := <-s.outcome
			stop()
			if o.Verdict != broker.VerdictRetry || o.After != want || o.Reason != "refused" || !errors.Is(o.Err, broker.ErrRefused) {
				t.Errorf("attempt %d: %+v; want a retry after %v", attempt, o, want)
			}
			if len(tries) != 2 || !tries[1].After(tries[0]) {
				t.Errorf("attempt %d: tried at %v, not twice with a pause", attempt, tries)
			}
		})
	}
}

func TestAWaitForTheBrokerEndsWithTheSpool(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := deliveries{attempt: 1, outcome: make(chan broker.Outcome, 1)}
		r := newRig(t, newFakeBroker(), s)
		r.fake.become(fault{ready: broker.ErrDown})
		stop := r.run(t)
		<-time.After(time.Hour)
		select {
		case o := <-s.outcome:
			t.Errorf("gave up: %+v", o)
		default:
		}
		stop()
		if o := <-s.outcome; o.Verdict != broker.VerdictRequeue {
			t.Errorf("%+v", o)
		}
	})
}

// notReady is a broker that would store an event, if it were asked.
type notReady struct {
	*fakeBroker
	asked atomic.Int64
}

func (n *notReady) Ready() error { return broker.ErrBlocked }

func (n *notReady) Publish(context.Context, event.Event) error {
	n.asked.Add(1)
	return nil
}

// TestABrokerThatIsNotReadyIsNotAsked keeps a sender from waiting for a broker that has an alarm.
func TestABrokerThatIsNotReadyIsNotAsked(t *testing.T) {
	t.Parallel()
	store, closeStore := openStore(t, storeConfig(t))
	defer closeStore()
	b := &notReady{fakeBroker: newFakeBroker()}
	core, logs := observer.New(zap.InfoLevel)
	cfg := spool.Config{Sources: map[string]bool{"github": true}, MaxAge: maxAge}
	s, err := spool.New(cfg, b, store, &reports{}, prometheus.NewRegistry(), zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Publish(t.Context(), sample("1")); err != nil {
		t.Fatal(err)
	}
	said := logs.FilterMessage("event spooled").FilterField(zap.String("id", "1")).FilterField(zap.String("reason", "blocked"))
	if said.Len() != 1 {
		t.Errorf("the log says %v", logs.All())
	}
	if waiting, _, _, err := store.Size(t.Context()); waiting != 1 || err != nil || b.asked.Load() != 0 {
		t.Errorf("%d spooled, %v; asked %d times", waiting, err, b.asked.Load())
	}
}
