package embedded_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
	"github.com/hookline/hookline/pkg/event"
)

// Many large retries that were due filled every fetch, so that no first attempt of their route was delivered.
func TestLargeRetriesDoNotStarveFirstAttempts(t *testing.T) {
	t.Parallel()
	cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(1)}}
	sqlite := open(t, cfg)
	publish := func(id string, size int) {
		t.Helper()
		if err := sqlite.Publish(t.Context(), sample(id, make([]byte, size))); err != nil {
			t.Fatal(err)
		}
	}
	const large = 12
	for i := range large {
		publish(fmt.Sprint(i), 1<<20)
	}
	if _, err := database(t, cfg.Path).ExecContext(t.Context(), "UPDATE delivery SET attempts = 1, at = 1"); err != nil {
		t.Fatal(err)
	}
	publish("new", 1)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var seen []string
	err := sqlite.Consume(ctx, archive(1), func(_ context.Context, d event.Delivery) broker.Outcome {
		if seen = append(seen, d.Event.ID); len(seen) == large+1 {
			stop()
		}
		return broker.Ack()
	})
	if err != nil || slices.Index(seen, "new") > large/2 {
		t.Errorf("the new one had to wait: %q, %v", seen, err)
	}
}

// The clock was years ahead when the retry was written.
func TestARetryBeyondMaxDelayIsDeliveredAtOnce(t *testing.T) {
	t.Parallel()
	cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(1)}}
	sqlite := open(t, cfg)
	publishAll(t, sqlite, 2)
	for id, in := range map[string]time.Duration{"0": broker.MaxDelay, "1": 2 * broker.MaxDelay} {
		_, err := database(t, cfg.Path).ExecContext(t.Context(), "UPDATE delivery SET attempts = 1, at = ? WHERE seq = (SELECT seq FROM event WHERE id = ?)", time.Now().Add(in).UnixMilli(), id)
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var seen []string
	err := sqlite.Consume(ctx, archive(1), func(_ context.Context, d event.Delivery) broker.Outcome {
		seen = append(seen, d.Event.ID)
		stop()
		return broker.Ack()
	})
	if err != nil || !slices.Equal(seen, []string{"1"}) {
		t.Errorf("came %q, %v", seen, err)
	}
}
