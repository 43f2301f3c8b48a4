package spool_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
	"github.com/hookline/hookline/broker/spool"
	"github.com/hookline/hookline/pkg/deadline"
	"github.com/hookline/hookline/pkg/event"
)

func TestTheDiskIsUnusedWhileTheBrokerIsReady(t *testing.T) {
	t.Parallel()
	r := realRig(t, storeConfig(t))
	r.expect(t, "stored_total", "github", 0)
	r.expect(t, "drained_total", "", 0)
	r.expect(t, "oldest_age_seconds", "", 0)
	r.expect(t, "usable", "", 1)
	for _, reason := range []string{"full", "old", "failed"} {
		r.expect(t, "refused_total", reason, 0)
	}
	ids := r.publish(t, 0, 10)
	if got := r.fake.await(t, 10); !slices.Equal(got, ids) {
		t.Errorf("the broker got %v", got)
	}
	r.expect(t, "waiting", "", 0)
	if text, err := r.Ready(); text != "ok" || err != nil {
		t.Errorf("ready: %q, %v", text, err)
	}
}

func TestEventsThatTheBrokerDoesNotStoreAreSpooledAndPublishedInOrder(t *testing.T) {
	t.Parallel()
	for name, fault := range faults() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // no time passes while the disk works
				r := realRig(t, storeConfig(t))
				r.fake.become(fault)
				const events = 5
				ids := r.publish(t, 0, events)
				<-time.After(time.Second)
				r.expect(t, "waiting", "", events)
				r.expect(t, "stored_total", "github", events)
				if age := r.metric(t, "oldest_age_seconds", ""); age <= 0 || age > 60 {
					t.Errorf("the oldest is %v s old", age)
				}
				if bytes := r.metric(t, "bytes", ""); bytes <= 0 {
					t.Errorf("%v bytes", bytes)
				}
				r.fake.heal()
				stop := r.run(t)
				if got := r.fake.await(t, events); !slices.Equal(got, ids) {
					t.Errorf("published %v", got)
				}
				stop()
				r.expect(t, "waiting", "", 0)
				r.expect(t, "drained_total", "", events)
				r.expect(t, "oldest_age_seconds", "", 0)
			})
		})
	}
}

func TestOtherSourcesAreNotSpooled(t *testing.T) {
	t.Parallel()
	r := realRig(t, storeConfig(t))
	r.fake.become(fault{ready: broker.ErrDown})
	e := sample("1")
	e.Source = "stripe"
	if err := r.Publish(t.Context(), e); !errors.Is(err, broker.ErrDown) {
		t.Errorf("%v", err)
	}
	r.expect(t, "waiting", "", 0)
}

func TestAFullSpoolRefusesUntilItIsDrained(t *testing.T) {
	t.Parallel()
	cfg := storeConfig(t)
	cfg.MaxBytes = embedded.MinBytes
	r := realRig(t, cfg)
	r.fake.become(fault{ready: broker.ErrDown})
	taken := 0
	var err error
	for ; err == nil && taken < 10_000; taken++ {
		e := sample(fmt.Sprint(taken))
		e.Data = make([]byte, 4000)
		err = r.Publish(t.Context(), e)
	}
	taken--
	if !errors.Is(err, broker.ErrDown) || !errors.Is(err, broker.ErrBlocked) {
		t.Fatalf("after %d events: %v", taken, err)
	}
	r.expect(t, "refused_total", "full", 1)
	r.expect(t, "waiting", "", float64(taken))
	r.fake.heal()
	stop := r.run(t)
	r.fake.await(t, taken)
	stop()
	r.fake.become(fault{ready: broker.ErrDown})
	r.publish(t, 0, 10)
}

func TestAnOldSpoolRefusesNewEventsAndKeepsItsOwn(t *testing.T) {
	t.Parallel()
	r := realRig(t, storeConfig(t))
	r.fake.become(fault{ready: broker.ErrDown})
	old := sample("old")
	old.Time = time.Now().Add(-maxAge - time.Minute)
	if err := r.Publish(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	if err := r.Publish(t.Context(), sample("young")); !errors.Is(err, broker.ErrDown) || !strings.Contains(err.Error(), "max_age") {
		t.Errorf("behind an old one: %v", err)
	}
	r.expect(t, "refused_total", "old", 1)
	r.expect(t, "usable", "", 0)
	if text, err := r.Ready(); err == nil {
		t.Errorf("ready: %q", text)
	}
	r.fake.heal()
	r.run(t)
	if got := r.fake.await(t, 1); got[0] != "old" {
		t.Errorf("published %v", got)
	}
}

// store is a spool.Store that fails, or is slow.
type store struct {
	err   error
	takes time.Duration
}

func (s store) Publish(ctx context.Context, _ event.Event) error {
	select {
	case <-time.After(s.takes):
		return s.err
	case <-ctx.Done():
		return broker.ErrUnknown
	}
}
func (s store) Ready() error                                  { return s.err }
func (s store) Oldest(context.Context) (time.Time, error)     { return time.Time{}, s.err }
func (s store) Size(context.Context) (int, int, int64, error) { return 0, 0, 0, s.err }
func (s store) OldestUnrefused(context.Context, string) (time.Time, error) {
	return time.Time{}, s.err
}
func (s store) Sources(context.Context) (map[string]int64, error) {
	return map[string]int64{"github": 1}, s.err
}
func (s store) PublishTo(ctx context.Context, e event.Event, _ []string) error {
	return s.Publish(ctx, e)
}
func (s store) Direct() []string            { return nil }
func (s store) Close(context.Context) error { return nil }
func (s store) Consume(ctx context.Context, _ broker.Route, _ broker.Process) error {
	<-ctx.Done()
	return s.err
}

func TestAFailingDiskIsReported(t *testing.T) {
	t.Parallel()
	r := newRig(t, newFakeBroker(), store{err: fmt.Errorf("%w: disk I/O error", broker.ErrRefused)})
	if text, err := r.Ready(); !strings.Contains(text, "disk I/O error") || err != nil {
		t.Errorf("ready with a broker: %q, %v", text, err)
	}
	r.publish(t, 0, 1)
	r.fake.become(fault{ready: broker.ErrDown})
	if err := r.Publish(t.Context(), sample("2")); broker.Reason(err) != "down" || !strings.Contains(err.Error(), "disk I/O error") {
		t.Errorf("%v", err)
	}
	if text, err := r.Ready(); err == nil {
		t.Errorf("ready without a broker: %q", text)
	}
	r.expect(t, "refused_total", "failed", 1)
	r.expect(t, "usable", "", 0)
}

func TestReadyNamesTheSpooledSources(t *testing.T) {
	t.Parallel()
	r := realRig(t, storeConfig(t))
	r.fake.become(fault{ready: broker.ErrBlocked})
	if text, err := r.Ready(); !strings.HasPrefix(text, "ok, events of github are spooled, those of stripe answered 503: ") || !strings.Contains(text, "blocked") || err != nil {
		t.Errorf("ready: %q, %v", text, err)
	}
}

func TestAHangingBrokerLeavesTimeForTheDisk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newFakeBroker(), store{takes: 1500 * time.Millisecond})
		r.fake.become(fault{publish: hang})
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second) // of the 5 s that Alma waits
		defer cancel()
		begin := time.Now()
		if err := r.Publish(ctx, sample("1")); err != nil {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
		if took := time.Since(begin); took != 3900*time.Millisecond+deadline.Grain {
			t.Errorf("took %v, not 60 %% of 4 s, the grain and the disk's 1.5 s", took)
		}
	})
}

func TestAKnownOutageTakesNoTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newFakeBroker(), store{})
		r.fake.become(fault{ready: broker.ErrDown, publish: hang})
		begin := time.Now()
		r.publish(t, 0, 100)
		if took := time.Since(begin); took != 0 {
			t.Errorf("took %v", took)
		}
	})
}

func TestAnAgeIsNeeded(t *testing.T) {
	t.Parallel()
	_, err := spool.New(spool.Config{}, newFakeBroker(), store{}, &reports{}, prometheus.NewRegistry(), zap.NewNop())
	if err == nil || !strings.Contains(err.Error(), "max age") {
		t.Error(err)
	}
}
