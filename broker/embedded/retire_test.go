package embedded_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
	"github.com/hookline/hookline/pkg/event"
)

// leftOver makes a file with events of a route that the returned configuration lacks: two that wait, one that is tried again in an hour,
// and one dead letter.
func leftOver(t *testing.T) embedded.Config {
	t.Helper()
	cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(1)}}
	sqlite := openOnce(t, cfg)
	publishAll(t, sqlite, 4)
	ctx, cancel := context.WithCancel(t.Context())
	err := sqlite.Consume(ctx, archive(1), func(_ context.Context, d event.Delivery) broker.Outcome {
		switch d.Event.ID {
		case "0":
			return broker.Retry(time.Hour, "error", errors.New("not now"))
		case "1":
			return broker.GiveUp("permanent", errors.New("never"))
		}
		cancel()
		return broker.Requeue()
	})
	if err != nil {
		t.Fatal(err)
	}
	shut(t, sqlite)
	cfg.Routes = []broker.Route{{Name: "other", Match: []string{"nothing.#"}, Concurrency: 1}}
	return cfg
}

func attach(t *testing.T, cfg embedded.Config) *embedded.Attached {
	t.Helper()
	attached, err := embedded.Attach(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := attached.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return attached
}

func TestARouteWithEventsIsNotRetiredUntilTheyAreMoved(t *testing.T) {
	t.Parallel()
	attached := attach(t, leftOver(t))
	retire := func(toUnrouted bool) (int, error) {
		return attached.Retire(t.Context(), broker.Retirement{Route: "archive", ToUnrouted: toUnrouted})
	}
	if moved, err := retire(false); moved != 0 || !errors.Is(err, broker.ErrNotEmpty) || err.Error() != broker.ErrNotEmpty.Error()+": 4" {
		t.Errorf("moved %d: %v", moved, err)
	}
	if _, err := attached.Retire(t.Context(), broker.Retirement{Route: "other"}); err != nil {
		t.Errorf("a route without events is not retired: %v", err)
	}
	if moved, err := retire(true); moved != 4 || err != nil {
		t.Errorf("moved %d: %v", moved, err)
	}
	if n := waiting(t, attached, broker.RoleUnrouted, ""); n != 4 {
		t.Errorf("%d unrouted events, not 4", n)
	}
	for range 2 {
		if moved, err := retire(false); moved != 0 || err != nil {
			t.Errorf("moved %d: %v", moved, err)
		}
	}
	balance := audit(t, attached)
	for _, r := range balance.Routes {
		if r.Unaccounted != 0 || r.Route == "archive" && r.Discarded != 4 || r.Route == broker.Unrouted && (r.Accepted != 4 || r.Waiting != 4) {
			t.Errorf("%+v", r)
		}
	}
	if queues, err := attached.LeftOver(t.Context()); queues != nil || err != nil {
		t.Errorf("%v, %v", queues, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := attached.Retire(ended, broker.Retirement{Route: "archive"}); err == nil {
		t.Error("retired without a look at the queues")
	}
}

func TestEachStoredDeliveryIsMovedOnce(t *testing.T) {
	t.Parallel()
	cfg := leftOver(t)
	sqlite := openOnce(t, cfg)
	if err := sqlite.Publish(t.Context(), sample("unrouted", nil)); err != nil {
		t.Fatal(err)
	}
	refused, got := errors.New("refused"), map[string]broker.QueueRole{}
	take := func(_ context.Context, d broker.StoredDelivery) error {
		if d.Event.ID == "2" && got["2"] == "" {
			got["2"] = "refused"
			return refused
		}
		got[d.Event.ID] = d.Role()
		return nil
	}
	first, err := sqlite.Move(t.Context(), take)
	if !errors.Is(err, refused) {
		t.Errorf("moved %d, %v: the error is lost", first, err)
	}
	rest, err := sqlite.Move(t.Context(), take)
	if err != nil || first+rest != 5 {
		t.Errorf("moved %d and %d of 5: %v", first, rest, err)
	}
	for id, want := range map[string]broker.QueueRole{"0": broker.RoleRetry, "1": broker.RoleDead, "2": broker.RoleWork, "3": broker.RoleWork, "unrouted": broker.RoleUnrouted} {
		if got[id] != want {
			t.Errorf("event %s is of role %q, not %q", id, got[id], want)
		}
	}
	if again, err := sqlite.Move(t.Context(), take); again != 0 || err != nil {
		t.Errorf("moved %d again: %v", again, err)
	}
	if n, _, _, err := sqlite.Size(t.Context()); n != 0 || err != nil {
		t.Errorf("%d are left, %v", n, err)
	}
	shut(t, sqlite)
	name, err := embedded.Abandon(cfg.Path, time.Now())
	if err != nil || name == cfg.Path {
		t.Errorf("%s, %v", name, err)
	}
	if _, err := embedded.Attach(cfg); err == nil {
		t.Error("an abandoned file is opened")
	}
}

// TestQueuesBesideTheRoutes has a delivery that moves from a route to two direct queues, whose names the next start finds in the file.
func TestQueuesBesideTheRoutes(t *testing.T) {
	t.Parallel()
	cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(1)}, Direct: []string{"a"}}
	sqlite := openOnce(t, cfg)
	publishAll(t, sqlite, 1)
	if err := sqlite.PublishTo(t.Context(), sample("direct", nil), []string{"a"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := sqlite.Consume(ctx, archive(1), func(context.Context, event.Delivery) broker.Outcome {
		cancel()
		return embedded.MoveTo("a", "b")
	})
	if err != nil {
		t.Fatal(err)
	}
	shut(t, sqlite)

	again := open(t, cfg)
	if got := again.Direct(); len(got) != 2 || got[0] != "a" || got[1] != "b" {
		t.Errorf("direct queues %v", got)
	}
	for queue, want := range map[string]int{"a": 2, "b": 1, "archive": 0} {
		if n := waiting(t, again, broker.RoleWork, queue); n != want {
			t.Errorf("%d events in %s, want %d", n, queue, want)
		}
	}
	handled := 0
	ctx, cancel = context.WithCancel(t.Context())
	err = again.Consume(ctx, broker.Route{Name: "b", Concurrency: 1}, func(_ context.Context, d event.Delivery) broker.Outcome {
		handled++
		if d.Event.ID != "0" || d.Attempt != 1 {
			t.Errorf("%s, attempt %d", d.Event.ID, d.Attempt)
		}
		cancel()
		return broker.Ack()
	})
	if err != nil || handled != 1 {
		t.Errorf("handled %d: %v", handled, err)
	}
	for _, r := range audit(t, again).Routes {
		if r.Unaccounted != 0 || r.Route == "archive" && r.Done != 1 {
			t.Errorf("%+v", r)
		}
	}
	if text := embedded.MoveTo("a", "b").Err.Error(); text != "moved to [a b]" {
		t.Errorf("the outcome says %q", text)
	}
}

// TestEveryQuestionToAClosedBrokerIsAnError has a broker whose file is closed, and calls whose context has ended: an answer of nothing would
// say that no event is there.
func TestEveryQuestionToAClosedBrokerIsAnError(t *testing.T) {
	t.Parallel()
	stored := func(broker.StoredDelivery) bool { return true }
	questions := map[string]func(context.Context, *embedded.Broker) error{
		"queues": func(ctx context.Context, b *embedded.Broker) error { _, err := b.Queues(ctx); return err },
		"audit":  func(ctx context.Context, b *embedded.Broker) error { _, err := b.Audit(ctx); return err },
		"get":    func(ctx context.Context, b *embedded.Broker) error { _, err := b.Get(ctx, "archive", "1"); return err },
		"list": func(ctx context.Context, b *embedded.Broker) error {
			_, _, err := b.List(ctx, "archive", broker.Page{Limit: 1})
			return err
		},
		"each": func(ctx context.Context, b *embedded.Broker) error { return b.Each(ctx, "archive", all) },
		"replay": func(ctx context.Context, b *embedded.Broker) error {
			_, err := b.Replay(ctx, "archive", all)
			return err
		},
		"discard": func(ctx context.Context, b *embedded.Broker) error {
			_, err := b.Discard(ctx, "archive", all)
			return err
		},
		"erase":  func(ctx context.Context, b *embedded.Broker) error { _, err := b.Erase(ctx, stored); return err },
		"oldest": func(ctx context.Context, b *embedded.Broker) error { _, err := b.Oldest(ctx); return err },
		"oldest unrefused": func(ctx context.Context, b *embedded.Broker) error {
			_, err := b.OldestUnrefused(ctx, "archive")
			return err
		},
		"size":    func(ctx context.Context, b *embedded.Broker) error { _, _, _, err := b.Size(ctx); return err },
		"sources": func(ctx context.Context, b *embedded.Broker) error { _, err := b.Sources(ctx); return err },
		"move": func(ctx context.Context, b *embedded.Broker) error {
			_, err := b.Move(ctx, func(context.Context, broker.StoredDelivery) error { return nil })
			return err
		},
	}
	sqlite := openOnce(t, embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(1)}})
	publishAll(t, sqlite, 2)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, ask := range questions {
		if err := ask(ended, sqlite); err == nil {
			t.Errorf("%s: no error after the end of the context", name)
		}
	}
	if n := waiting(t, sqlite, broker.RoleWork, "archive"); n != 2 {
		t.Errorf("%d events are left, not 2", n)
	}
	shut(t, sqlite)
	for name, ask := range questions {
		if err := ask(t.Context(), sqlite); err == nil {
			t.Errorf("%s: no error of a closed broker", name)
		}
	}
}
