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

func TestARestartHandsOnWhatWasLeft(t *testing.T) {
	t.Parallel()
	cfg := storeConfig(t)
	var want []string
	for life := range 3 {
		store, shut := openStore(t, cfg)
		r := newRig(t, newLine(), store)
		r.line.become(fault{ready: broker.ErrDown})
		stop := r.run(t) // it holds the first one in hand when it is stopped
		want = append(want, r.publish(t, life*10, life*10+10)...)
		r.expect(t, "waiting", "", float64(len(want)))
		stop()
		shut()
	}
	r := realRig(t, cfg)
	r.run(t)
	if got := r.line.await(t, len(want)); !slices.Equal(got, want) {
		t.Errorf("handed on %v", got)
	}
}

func TestAnOutageInMidDrainKeepsTheOrder(t *testing.T) {
	t.Parallel()
	r := realRig(t, storeConfig(t))
	r.line.become(fault{ready: broker.ErrDown})
	want := r.publish(t, 0, 20)
	lost := make(chan struct{})
	r.line.become(fault{publish: func(_ context.Context, e event.Event) error {
		if e.ID != "e-010" {
			return nil
		}
		r.line.become(fault{ready: broker.ErrDown})
		close(lost)
		return broker.ErrUnknown
	}})
	r.run(t)
	<-lost
	r.line.heal()
	if got := r.line.await(t, len(want)); !slices.Equal(got, want) {
		t.Errorf("handed on %v", got)
	}
}

func TestAnEventThatTheLineRefusesHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	r := realRig(t, storeConfig(t))
	r.line.become(fault{ready: broker.ErrDown})
	r.publish(t, 0, 10)
	var refusals atomic.Int32
	r.line.become(fault{publish: func(_ context.Context, e event.Event) error {
		if e.ID == "e-003" && refusals.Add(1) <= 2 {
			return broker.ErrRefused
		}
		return nil
	}})
	r.run(t)
	if got := r.line.await(t, 9); slices.Contains(got, "e-003") || !slices.IsSorted(got) {
		t.Errorf("first handed on %v", got)
	}
	if got := r.line.await(t, 10); got[9] != "e-003" {
		t.Errorf("handed on %v", got)
	}
}

// A line that takes its time for spooled events: live ones pass it by, and never more than one spooled event is on its way.
func TestDrainingHoldsUpNoLiveEvent(t *testing.T) {
	t.Parallel()
	r := realRig(t, storeConfig(t))
	r.line.become(fault{ready: broker.ErrDown})
	const spooled, live = 20, 200
	r.publish(t, 0, spooled)
	var draining, most atomic.Int32
	begun, goOn := make(chan struct{}, spooled), make(chan struct{})
	r.line.become(fault{publish: func(_ context.Context, e event.Event) error {
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
	if got := r.line.await(t, live); len(got) != live {
		t.Errorf("%d events arrived while the drain was held up", len(got))
	}
	r.expect(t, "waiting", "", spooled)
	close(goOn)
	r.line.await(t, live+spooled)
	if most.Load() != 1 {
		t.Errorf("%d spooled events on their way at once", most.Load())
	}
}

func TestAStopDoesNotWaitForTheLine(t *testing.T) {
	t.Parallel()
	r := realRig(t, storeConfig(t))
	r.line.become(fault{ready: broker.ErrDown})
	stop := r.run(t)
	r.publish(t, 0, 1)
	stop()
	r.expect(t, "waiting", "", 1)
}
