package spool_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// refusing is a fault of a broker whose queue "full" refuses events, and whose other queues take them.
func refusing(whole, rest *atomic.Int32) fault {
	return fault{publish: func(_ context.Context, e event.Event) error {
		if e.Action == "for-full" {
			rest.Add(1)
			return broker.ErrRefused
		}
		whole.Add(1)
		return &broker.PartlyError{Routes: []string{"full"}, Err: broker.ErrRefused}
	}}
}

// What one queue refuses goes on to this queue alone, also after a restart, and shuts the spool for nobody.
func TestAnEventThatOneRouteLacksGoesToThisRouteOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := storeConfig(t)
		var whole, rest atomic.Int32
		fake := newFakeBroker()
		live := func(r rig) {
			ids := r.publish(t, 0, 3)
			if n := whole.Swap(0); n != 3 || len(ids) != 3 {
				t.Errorf("%d of 3 live events were published to all", n)
			}
		}
		store, shut := openStore(t, cfg)
		r := newRig(t, fake, store)
		fake.become(fault{ready: broker.ErrDown})
		old := sample("old")
		old.Time = time.Now().Add(-maxAge + time.Minute)
		if err := r.Publish(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		fake.become(refusing(&whole, &rest))
		live(r)
		stop := r.run(t)
		<-time.After(2 * time.Hour) // longer than max_age
		if n := whole.Load(); n != 1 {
			t.Errorf("the spooled event was published to all routes %d times", n)
		}
		if rest.Load() < 10 {
			t.Errorf("%d tries at the full queue", rest.Load())
		}
		r.expect(t, "usable", "", 1)
		r.expect(t, "waiting", "", 4)
		stop()
		shut()
		cfg.Direct = []string{} // the route is no longer configured
		store, shut = openStore(t, cfg)
		defer shut()
		r = newRig(t, fake, store)
		fake.heal()
		stop = r.run(t)
		defer stop()
		got := fake.await(t, 4)
		slices.Sort(got)
		if !slices.Equal(got, []string{"e-000", "e-001", "e-002", "old"}) || whole.Load() != 1 {
			t.Errorf("published %v, %d to all", got, whole.Load())
		}
		synctest.Wait()
		r.expect(t, "waiting", "", 0)
	})
}

func TestARepeatOfAnEventThatOneRouteLacksIsADuplicate(t *testing.T) {
	t.Parallel()
	cfg := storeConfig(t)
	cfg.Duplicates = time.Hour
	var whole, rest atomic.Int32
	r := realRig(t, cfg)
	r.fake.become(refusing(&whole, &rest))
	ids := r.publish(t, 0, 1)
	if err := r.Publish(t.Context(), sample(ids[0])); !errors.Is(err, broker.ErrDuplicate) {
		t.Errorf("%v", err)
	}
	r.expect(t, "waiting", "", 1)
}

// TestEventsOfARouteLeaveOneByOne keeps their order, with a broker that takes a second for each.
func TestEventsOfARouteLeaveOneByOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var whole, rest, now atomic.Int32
		store, shut := openStore(t, storeConfig(t))
		defer shut()
		fake := newFakeBroker()
		r := newRig(t, fake, store)
		fake.become(refusing(&whole, &rest))
		want := r.publish(t, 0, 4)
		fake.become(fault{publish: func(context.Context, event.Event) error {
			if n := now.Add(1); n > 1 {
				t.Errorf("%d events are published at once", n)
			}
			<-time.After(time.Second)
			now.Add(-1)
			return nil
		}})
		stop := r.run(t)
		defer stop()
		if got := fake.await(t, 4); !slices.Equal(got, want) {
			t.Errorf("published %v, want %v", got, want)
		}
	})
}
