package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
	"github.com/hookline/hookline/pkg/event"
)

// A command is another process than that of the broker, and stores events beside it.
func TestACommandRedeliversRetriesAndPausesBesideTheBroker(t *testing.T) {
	t.Parallel()
	const n = 50
	cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(2)}, Duplicates: time.Hour}
	running := open(t, cfg)
	desk, err := embedded.Attach(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = desk.Close(context.Background()) })
	got := make(chan event.Delivery, 10*n)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- running.Consume(ctx, archive(2), func(_ context.Context, d event.Delivery) broker.Outcome {
			got <- d
			if d.Attempt == 1 && d.Event.ID == "fails" {
				return broker.Retry(time.Hour, "error", errors.New("tomorrow"))
			}
			return broker.Ack()
		})
	}()
	for i := range n { // both store, in turn
		if err := running.Publish(t.Context(), sample(fmt.Sprint("p", i), nil)); err != nil {
			t.Fatal(err)
		}
		if err := desk.Redeliver(t.Context(), sample(fmt.Sprint("r", i), nil), []string{archive(2).Name}); err != nil {
			t.Fatal(err)
		}
	}
	if err := running.Publish(t.Context(), sample("fails", nil)); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for range 2*n + 1 {
		seen[(<-got).Event.ID]++
	}
	if len(seen) != 2*n+1 {
		t.Errorf("%d events were handled, want %d", len(seen), 2*n+1)
	}
	await(t.Context(), t, func() bool { return waiting(t, running, broker.RoleRetry, "") == 1 })
	if given, err := desk.RetryNow(t.Context(), archive(2).Name, func(broker.StoredDelivery) bool { return true }); given != 1 || err != nil {
		t.Errorf("gave %d, %v", given, err)
	}
	if d := <-got; d.Event.ID != "fails" || d.Attempt != 2 {
		t.Errorf("event %s, attempt %d", d.Event.ID, d.Attempt)
	}
	if err := desk.Pause(t.Context(), archive(2).Name, broker.Pause{Why: "a try"}); err != nil {
		t.Fatal(err)
	}
	await(t.Context(), t, func() bool { return len(running.Paused()) == 1 })
	if err := desk.Resume(t.Context(), archive(2).Name, broker.Pause{}); err != nil {
		t.Fatal(err)
	}
	await(t.Context(), t, func() bool { return len(running.Paused()) == 0 })
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	expectTallies(t, cfg.Path)
}

// A full file refuses a redelivery as it refuses a new event.
func TestAFullFileRefusesARedelivery(t *testing.T) {
	t.Parallel()
	cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(1)}, MaxBytes: embedded.MinBytes}
	running := open(t, cfg)
	e := sample("large", make([]byte, 32<<10))
	var err error
	for range 100 {
		if err = running.Redeliver(t.Context(), e, []string{archive(1).Name}); err != nil {
			break
		}
	}
	if !errors.Is(err, broker.ErrBlocked) {
		t.Errorf("the full file: %v", err)
	}
	expectTallies(t, cfg.Path)
}
