package spool_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

func TestARestartPublishesTheRest(t *testing.T) {
	t.Parallel()
	cfg := storeConfig(t)
	var want []string
	for life := range 3 {
		store, shut := openStore(t, cfg)
		r := newRig(t, newFakeBroker(), store)
		r.fake.become(fault{ready: broker.ErrDown})
		stop := r.run(t) // it is stopped while it waits with the first event
		want = append(want, r.publish(t, life*10, life*10+10)...)
		r.expect(t, "waiting", "", float64(len(want)))
		stop()
		shut()
	}
	r := realRig(t, cfg)
	r.run(t)
	if got := r.fake.await(t, len(want)); !slices.Equal(got, want) {
		t.Errorf("published %v", got)
	}
}

func TestAnOutageDuringTheDrainKeepsTheOrder(t *testing.T) {
	t.Parallel()
	r := realRig(t, storeConfig(t))
	r.fake.become(fault{ready: broker.ErrDown})
	want := r.publish(t, 0, 20)
	lost := make(chan struct{})
	r.fake.become(fault{publish: func(_ context.Context, e event.Event) error {
		if e.ID != "e-010" {
			return nil
		}
		r.fake.become(fault{ready: broker.ErrDown})
		close(lost)
		return broker.ErrUnknown
	}})
	r.run(t)
	<-lost
	r.fake.heal()
	if got := r.fake.await(t, len(want)); !slices.Equal(got, want) {
		t.Errorf("published %v", got)
	}
}

func TestAnEventThatTheBrokerRefusesDelaysNoOther(t *testing.T) {
	t.Parallel()
	r := realRig(t, storeConfig(t))
	r.fake.become(fault{ready: broker.ErrDown})
	r.publish(t, 0, 10)
	var refusals atomic.Int32
	r.fake.become(fault{publish: func(_ context.Context, e event.Event) error {
		if e.ID == "e-003" && refusals.Add(1) <= 2 {
			return broker.ErrRefused
		}
		return nil
	}})
	r.run(t)
	if got := r.fake.await(t, 9); slices.Contains(got, "e-003") || !slices.IsSorted(got) {
		t.Errorf("first published %v", got)
	}
	if got := r.fake.await(t, 10); got[9] != "e-003" {
		t.Errorf("published %v", got)
	}
}

// A broker is slow with spooled events: live events overtake them, and at most one spooled event is on its way.
func TestDrainingDelaysNoLiveEvent(t *testing.T) {
	t.Parallel()
	r := realRig(t, storeConfig(t))
	r.fake.become(fault{ready: broker.ErrDown})
	const spooled, live = 20, 200
	r.publish(t, 0, spooled)
	var draining, most atomic.Int32
	begun, goOn := make(chan struct{}, spooled), make(chan struct{})
	r.fake.become(fault{publish: func(_ context.Context, e event.Event) error {
		if e.Action == "live" {
			return nil
		}
		most.Store(max(most.Load(), draining.Add(1)))
		defer draining.Add(-1)
		begun <- struct{}{}
		<-goOn
		return nil
	}})
	r.run(t)
	<-begun
	for i := range live {
		e := sample(fmt.Sprint("live-", i))
		e.Action = "live"
		if err := r.Publish(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.fake.await(t, live); len(got) != live {
		t.Errorf("%d events arrived while the drain waited", len(got))
	}
	r.expect(t, "waiting", "", spooled)
	close(goOn)
	r.fake.await(t, live+spooled)
	if most.Load() != 1 {
		t.Errorf("%d spooled events on their way at once", most.Load())
	}
}

func TestAStopDoesNotWaitForTheBroker(t *testing.T) {
	t.Parallel()
	r := realRig(t, storeConfig(t))
	r.fake.become(fault{ready: broker.ErrDown})
	stop := r.run(t)
	r.publish(t, 0, 1)
	stop()
	r.expect(t, "waiting", "", 1)
}
