package embedded_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
	"github.com/hookline/hookline/pkg/event"
)

func TestACrashMarksTheHandledDeliveriesOnly(t *testing.T) {
	t.Parallel()
	cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(2)}}
	m := openMortal(t, cfg)
	publishAll(t, m, 6) // all of them are fetched ahead
	done := make(chan struct{})
	defer close(done)
	var handled atomic.Int64
	reached := make(chan struct{})
	go func() {
		_ = m.Consume(context.Background(), archive(2), func(context.Context, event.Delivery) broker.Outcome {
			if handled.Add(1) == 4 {
				close(reached)
			}
			if handled.Load() > 2 {
				<-done
			}
			return broker.Ack()
		})
	}()
	<-reached // two are done, two are running, two wait
	m.Crash(t)

	redelivered := map[bool]int{}
	again := open(t, cfg)
	ctx, stop := context.WithCancel(t.Context())
	err := again.Consume(ctx, archive(1), func(_ context.Context, d event.Delivery) broker.Outcome {
		if redelivered[d.Redelivered]++; redelivered[true]+redelivered[false] == 4 {
			stop()
		}
		return broker.Ack()
	})
	if err != nil || redelivered[true] != 2 || redelivered[false] != 2 {
		t.Errorf("redelivered %v of 4 events, %v; want 2", redelivered, err)
	}
}

func TestOnlyWaitingDeliveriesCanHaveCrashed(t *testing.T) {
	t.Parallel()
	for name, publishFirst := range map[string]bool{"the event that was handled": true, "another in its place": false} {
		cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(1)}}
		sqlite := openOnce(t, cfg)
		if publishFirst {
			publishAll(t, sqlite, 1)
		}
		shut(t, sqlite)
		if err := os.WriteFile(cfg.Path+".hand", fmt.Appendf(nil, "%-*s %20d %20d\n", broker.MaxRoute, "archive", 0, 1), 0o600); err != nil {
			t.Fatal(err)
		}
		sqlite = open(t, cfg)
		if !publishFirst {
			publishAll(t, sqlite, 1)
		}
		ctx, stop := context.WithCancel(t.Context())
		err := sqlite.Consume(ctx, archive(1), func(_ context.Context, d event.Delivery) broker.Outcome {
			stop()
			if d.Redelivered != publishFirst {
				t.Errorf("%s: redelivered %v", name, d.Redelivered)
			}
			return broker.Ack()
		})
		if err != nil {
			t.Error(err)
		}
	}
}
