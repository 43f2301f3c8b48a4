package spool_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// remembering is a fault of a broker that knows duplicates.
func remembering(b *fakeBroker) fault {
	return fault{publish: func(_ context.Context, e event.Event) error {
		if slices.Contains(b.got, e.ID) {
			return broker.ErrDuplicate
		}
		return nil
	}}
}

func TestTheSpoolDetectsDuplicates(t *testing.T) {
	t.Parallel()
	cfg := storeConfig(t)
	cfg.Duplicates = time.Hour
	r := realRig(t, cfg)
	r.fake.become(fault{ready: broker.ErrDown})
	ids := r.publish(t, 0, 3)
	for range 1000 {
		if err := r.Publish(t.Context(), sample(ids[1])); !errors.Is(err, broker.ErrDuplicate) {
			t.Fatal(err)
		}
	}
	r.expect(t, "waiting", "", 3)
	r.expect(t, "stored_total", "github", 3)
	r.expect(t, "refused_total", "failed", 0)
	r.fake.heal()
	stop := r.run(t)
	if got := r.fake.await(t, 3); !slices.Equal(got, ids) {
		t.Errorf("published %v", got)
	}
	stop()
	r.fake.become(fault{ready: broker.ErrDown})
	if err := r.Publish(t.Context(), sample(ids[1])); !errors.Is(err, broker.ErrDuplicate) {
		t.Errorf("after it was published: %v", err)
	}
	r.expect(t, "waiting", "", 0)
}

func TestADuplicateThatOvertakesTheSpoolReplacesTheSpooledEvent(t *testing.T) {
	t.Parallel()
	cfg := storeConfig(t)
	cfg.Duplicates = time.Hour
	r := realRig(t, cfg)
	r.fake.become(fault{ready: broker.ErrDown})
	ids := r.publish(t, 0, 3)
	r.fake.become(remembering(r.fake))
	if err := r.Publish(t.Context(), sample(ids[0])); err != nil {
		t.Fatal(err)
	}
	if err := r.Publish(t.Context(), sample(ids[0])); !errors.Is(err, broker.ErrDuplicate) {
		t.Fatalf("once more: %v", err)
	}
	stop := r.run(t)
	if got := r.fake.await(t, 3); !slices.Equal(got, ids) {
		t.Errorf("the broker got %v", got)
	}
	stop()
	r.expect(t, "waiting", "", 0)
}
