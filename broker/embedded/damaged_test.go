package embedded_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
	"github.com/hookline/hookline/pkg/event"
)

func TestADamagedFileIsRenamedAndANewOneOpened(t *testing.T) {
	t.Parallel()
	cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(1)}}
	for suffix, content := range map[string]string{"": strings.Repeat("no database ", 1000), "-wal": "its log"} {
		if err := os.WriteFile(cfg.Path+suffix, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	aside, err := embedded.RenameDamaged(cfg.Path, time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC))
	if err != nil || aside != cfg.Path+".damaged-20260102T030405.006Z" {
		t.Fatalf("set aside as %s: %v", aside, err)
	}
	for suffix, content := range map[string]string{"": "no database", "-wal": "its log"} {
		if kept, err := os.ReadFile(aside + suffix); err != nil || !strings.HasPrefix(string(kept), content) {
			t.Errorf("%s: %.20q, %v", suffix, kept, err)
		}
	}
	publishAll(t, open(t, cfg), 1)
}

func TestReadableEventsOfADamagedFileAreSalvagedInOrder(t *testing.T) {
	t.Parallel()
	cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(1)}}
	const events = 200
	sqlite := openOnce(t, cfg)
	for n := range events {
		if err := sqlite.Publish(t.Context(), sample(fmt.Sprint(n), body(t))); err != nil {
			t.Fatal(err)
		}
	}
	shut(t, sqlite)
	whole, err := os.ReadFile(cfg.Path)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		content  []byte
		from, to int // number of salvaged events
		damaged  bool
		gap      int // the ID of an event inside that is damaged; 0: none
	}{
		"whole":       {whole, events, events, false, 0},
		"torn tail":   {whole[:len(whole)/4*3], events / 2, events - 1, true, 0},
		"torn page":   {whole[:len(whole)-1000], events - 1, events - 1, true, events - 2}, // the last page has the body of this event
		"torn early":  {whole[:10_000], 0, 0, true, 0},
		"garbage":     {[]byte(strings.Repeat("no database ", 1000)), 0, 0, true, 0},
		"hole inside": {slices.Concat(whole[:100<<10], make([]byte, 8<<10), whole[108<<10:]), 10, events - 1, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			aside := filepath.Join(dir, "line.db.damaged")
			if err := os.WriteFile(aside, c.content, 0o600); err != nil {
				t.Fatal(err)
			}
			sqlite := open(t, embedded.Config{Path: filepath.Join(dir, "line.db"), Routes: []broker.Route{archive(1)}})
			n, err := sqlite.Salvage(t.Context(), aside)
			if n < c.from || n > c.to || c.damaged && err == nil {
				t.Errorf("salvaged %d: %v", n, err)
			}
			for want := range n {
				if c.gap > 0 && want >= c.gap {
					want++
				}
				handleOne(t, sqlite, fmt.Sprint(want))
			}
			if after, err := os.ReadFile(aside); err != nil || !bytes.Equal(after, c.content) {
				t.Errorf("the damaged file was changed: %v", err)
			}
		})
	}
}

// handleOne handles one event, and shows that it is the wanted one.
func handleOne(t *testing.T, sqlite *embedded.Broker, want string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := sqlite.Consume(ctx, archive(1), func(_ context.Context, d event.Delivery) broker.Outcome {
		cancel()
		if d.Event.ID != want || len(d.Event.Data) != 1024 {
			t.Errorf("event %s of %d bytes came, not %s", d.Event.ID, len(d.Event.Data), want)
		}
		return broker.Ack()
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestARunningBrokerIsNotRenamed(t *testing.T) {
	t.Parallel()
	cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "line.db")}
	sqlite := open(t, cfg)
	if aside, err := embedded.RenameDamaged(cfg.Path, time.Now()); err == nil {
		t.Errorf("set aside as %s", aside)
	}
	publishAll(t, sqlite, 1)
}

// TestAnEventThatTheDiskChangedIsLeftOut changes one byte in the body of one event. The structure of the file stays valid, so only the
// checksum shows it.
func TestAnEventThatTheDiskChangedIsLeftOut(t *testing.T) {
	t.Parallel()
	cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(1)}}
	sqlite := openOnce(t, cfg)
	for n := range 3 {
		if err := sqlite.Publish(t.Context(), sample(fmt.Sprint(n), []byte(strings.Repeat(fmt.Sprint(n), 1024)))); err != nil {
			t.Fatal(err)
		}
	}
	shut(t, sqlite)
	whole, err := os.ReadFile(cfg.Path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(whole, []byte(strings.Repeat("1", 1000)))
	if at < 0 {
		t.Fatal("the file lacks the body")
	}
	whole[at+100] = 'x'
	if err := os.WriteFile(cfg.Path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := embedded.Open(cfg, prometheus.NewRegistry(), zap.NewNop()); !errors.Is(err, embedded.ErrDamaged) || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("opened: %v", err)
	}
	aside, err := embedded.RenameDamaged(cfg.Path, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	again := open(t, cfg)
	if n, err := again.Salvage(t.Context(), aside); n != 2 || !errors.Is(err, embedded.ErrDamaged) {
		t.Errorf("salvaged %d: %v", n, err)
	}
	handleOne(t, again, "0")
	handleOne(t, again, "2")
}
