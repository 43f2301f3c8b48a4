package spool_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/spool"
	"github.com/hookline/hookline/pkg/event"
)

// rejecting is a fault of a broker that refuses one event for good.
func rejecting(id string) fault {
	return fault{publish: func(_ context.Context, e event.Event) error {
		if e.ID == id {
			return fmt.Errorf("%w: not this one", broker.ErrTooLarge)
		}
		return nil
	}}
}

func TestAnEventThatTheBrokerRefusesForGoodIsADeadLetterOfTheSpool(t *testing.T) {
	t.Parallel()
	cfg := storeConfig(t)
	r := realRig(t, cfg)
	r.fake.become(fault{ready: broker.ErrDown})
	old := sample("old")
	old.Time = time.Now().Add(-maxAge - time.Minute)
	if err := r.Publish(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	r.fake.become(rejecting("old"))
	r.run(t)
	if err := r.Publish(t.Context(), sample("live")); err != nil {
		t.Fatal(err)
	}
	letters, err := spool.OpenDeadLetters(filepath.Dir(cfg.Path))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = letters.Close(context.Background()) })
	await := func(condition string, done func() bool) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for ; !done(); <-time.After(10 * time.Millisecond) {
			if ctx.Err() != nil {
				t.Fatalf("waited in vain for %s", condition)
			}
		}
	}
	await("the dead letter", func() bool { return r.metric(t, "dead_letters", "") == 1 })
	r.expect(t, "waiting", "", 0)
	r.expect(t, "oldest_age_seconds", "", 0)
	r.expect(t, "usable", "", 1) // although it is older than max_age
	found, _, err := letters.List(t.Context(), broker.Spool, broker.Page{Limit: 10})
	if err != nil || len(found) != 1 || found[0].Event.ID != "old" || found[0].Route != broker.Spool || found[0].Reason != "refused" || found[0].LastError == "" {
		t.Fatalf("%+v, %v", found, err)
	}
	r.fake.heal()
	all := func(u broker.UndeliveredEvent) bool { return u.Route == broker.Spool }
	if n, err := letters.Replay(t.Context(), broker.Spool, all); n != 1 || err != nil {
		t.Fatalf("replayed %d: %v", n, err)
	}
	if got := r.fake.await(t, 2); !slices.Equal(got, []string{"live", "old"}) {
		t.Errorf("published %v", got)
	}
	await("an empty spool", func() bool { return r.metric(t, "dead_letters", "") == 0 })
}

func TestAnEventThatIsTooLargeForTheBrokerIsNotSpooled(t *testing.T) {
	t.Parallel()
	r := realRig(t, storeConfig(t))
	r.fake.become(rejecting("large"))
	if err := r.Publish(t.Context(), sample("large")); !errors.Is(err, broker.ErrTooLarge) {
		t.Errorf("%v", err)
	}
	r.expect(t, "waiting", "", 0)
}

func TestThereAreNoDeadLettersWithoutASpool(t *testing.T) {
	t.Parallel()
	if _, err := spool.OpenDeadLetters(t.TempDir()); !errors.Is(err, spool.ErrNoSpool) || spool.HasDeadLetters(t.TempDir()) {
		t.Errorf("%v", err)
	}
	k := newKept(t)
	if k.with(t, k.publishing(t, 0, 1)); !spool.HasDeadLetters(k.cfg.Dir) {
		t.Error("a spool can have none")
	}
}

// An event that ends the connection at each try must not hold up the events behind it.
func TestAnEventThatEndsEachConnectionStepsAside(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := realRig(t, storeConfig(t))
		r.fake.become(fault{ready: broker.ErrDown})
		ids := r.publish(t, 0, 5)
		var poisoned fault
		poisoned = fault{publish: func(_ context.Context, e event.Event) error {
			if e.ID != ids[0] {
				return nil
			}
			r.fake.become(fault{ready: broker.ErrDown})
			time.AfterFunc(100*time.Millisecond, func() { r.fake.become(poisoned) })
			return broker.ErrUnknown
		}}
		r.fake.become(poisoned)
		stop := r.run(t)
		if got := r.fake.await(t, 4); !slices.Equal(got, ids[1:]) {
			t.Errorf("published %v", got)
		}
		stop()
		<-time.After(time.Second) // the last connection
		r.expect(t, "waiting", "", 1)
	})
}
