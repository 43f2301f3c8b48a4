package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
	"github.com/hookline/hookline/pkg/event"
)

// fill publishes events of a size until the broker is full, and returns their number.
func fill(t *testing.T, sqlite broker.Publisher, size int) int {
	t.Helper()
	for n := range 10_000 {
		err := sqlite.Publish(t.Context(), sample(fmt.Sprint(n), make([]byte, size)))
		if errors.Is(err, broker.ErrBlocked) {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the broker is never full")
	return 0
}

func TestAFullBrokerIsBlockedAndRecovers(t *testing.T) {
	t.Parallel()
	for _, size := range []int{500, 5000, 100_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(1)}, MaxBytes: embedded.MinBytes}
			sqlite := open(t, cfg)
			first := fill(t, sqlite, size)
			if err := sqlite.Ready(); size == 500 && !errors.Is(err, broker.ErrBlocked) {
				t.Errorf("ready while full: %v", err)
			}
			if n := waiting(t, sqlite, broker.RoleWork, "archive"); n != first {
				t.Errorf("%d events wait, want the %d that were taken", n, first)
			}
			handle(t, sqlite, archive(4), first)
			if err := sqlite.Ready(); err != nil {
				t.Errorf("ready after it was emptied: %v", err)
			}
			if second := fill(t, sqlite, size); second < first*9/10 {
				t.Errorf("took %d events when empty again, and %d at first", second, first)
			}
			info, err := os.Stat(cfg.Path)
			if err != nil || info.Size() > cfg.MaxBytes {
				t.Errorf("the file has %d bytes, at most %d were allowed: %v", info.Size(), cfg.MaxBytes, err)
			}
			expectTallies(t, cfg.Path)
		})
	}
}

// In the end even outcomes have no space, because every event dies with a long error.
func TestOutcomesWaitForSpace(t *testing.T) {
	t.Parallel()
	stuck := make(chan struct{}, 1000)
	log := zap.NewNop().WithOptions(zap.WrapCore(func(zapcore.Core) zapcore.Core {
		return zapcore.RegisterHooks(zapcore.NewCore(zapcore.NewJSONEncoder(zapcore.EncoderConfig{}), zapcore.AddSync(discardLog{}), zap.ErrorLevel), func(zapcore.Entry) error {
			select {
			case stuck <- struct{}{}:
			default:
			}
			return nil
		})
	}))
	cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(2)}, MaxBytes: embedded.MinBytes}
	sqlite, err := embedded.Open(cfg, prometheus.NewRegistry(), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, sqlite) })
	taken := fill(t, sqlite, 1000)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		ended <- sqlite.Consume(ctx, archive(2), func(context.Context, event.Delivery) broker.Outcome {
			return broker.GiveUp("permanent", errors.New(strings.Repeat("a long story ", 100)))
		})
	}()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	discarded, wasStuck := 0, false
	for discarded < taken {
		select {
		case <-stuck: // the file is full: a person discards dead letters
			wasStuck = true
		case <-tick.C: // or all events have died
		case <-ctx.Done():
			t.Fatalf("%d of %d dead letters were discarded", discarded, taken)
		}
		n, err := sqlite.Discard(ctx, "archive", all)
		if err != nil {
			t.Fatal(err)
		}
		discarded += n
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if !wasStuck || discarded != taken {
		t.Errorf("%d discarded, %d taken, stuck %v", discarded, taken, wasStuck)
	}
	expectTallies(t, cfg.Path)
}

type discardLog struct{}

func (discardLog) Write(b []byte) (int, error) { return len(b), nil }
