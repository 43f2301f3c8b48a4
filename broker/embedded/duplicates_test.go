package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
)

func TestOneOfConcurrentDuplicatesIsStored(t *testing.T) {
	t.Parallel()
	sqlite := open(t, embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(1)}, Duplicates: time.Hour})
	const events = 20
	var stored, known atomic.Int64
	var wg sync.WaitGroup
	for i := range 50 * events {
		wg.Go(func() {
			switch err := sqlite.Publish(context.Background(), sample(fmt.Sprint(i%events), nil)); {
			case err == nil:
				stored.Add(1)
			case errors.Is(err, broker.ErrDuplicate):
				known.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if stored.Load() != events || known.Load() != 49*events {
		t.Errorf("%d stored, %d known", stored.Load(), known.Load())
	}
	if n := waiting(t, sqlite, broker.RoleWork, "archive"); n != events {
		t.Errorf("%d wait", n)
	}
}

func TestADuplicateIsDetectedAfterARestart(t *testing.T) {
	t.Parallel()
	cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(1)}, Duplicates: time.Hour}
	sqlite := openOnce(t, cfg)
	send(t, sqlite, 8, 300, "")
	handle(t, sqlite, archive(1), 300)
	shut(t, sqlite)
	sqlite = open(t, cfg)
	for i := range 300 {
		if err := sqlite.Publish(t.Context(), sample(fmt.Sprint(i+1), nil)); !errors.Is(err, broker.ErrDuplicate) {
			t.Fatalf("event %d: %v", i, err)
		}
	}
}

func TestWithoutAWindowADuplicateIsStored(t *testing.T) {
	t.Parallel()
	sqlite := open(t, embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(1)}})
	for range 3 {
		if err := sqlite.Publish(t.Context(), sample("1", nil)); err != nil {
			t.Fatal(err)
		}
	}
	handle(t, sqlite, archive(1), 3)
}

func TestForgottenFingerprintsAreDeleted(t *testing.T) {
	t.Parallel()
	cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Duplicates: time.Hour, MaxBytes: embedded.MinBytes}
	sqlite := openOnce(t, cfg)
	e := sample("", nil)
	publish := func(n int, apart time.Duration) {
		for i := range n {
			e.ID, e.Time = fmt.Sprint(e.Time.UnixMilli(), i), e.Time.Add(apart)
			if err := sqlite.Publish(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
	}
	rows := func() (n int) {
		if err := database(t, cfg.Path).QueryRowContext(t.Context(), "SELECT count(*) FROM seen").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	publish(300, time.Minute)
	if n := rows(); n < 60 || n > 121 {
		t.Errorf("%d rows for an event a minute and a window of an hour", n)
	}
	shut(t, sqlite)
	sqlite = open(t, cfg)
	publish(300, time.Minute)
	if n := rows(); n < 60 || n > 121 {
		t.Errorf("%d rows after a restart", n)
	}
}

func TestAFileOfVersion2IsUpgraded(t *testing.T) {
	t.Parallel()
	cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(1)}, Duplicates: time.Hour}
	sqlite := openOnce(t, cfg)
	publishAll(t, sqlite, 4)
	shut(t, sqlite)
	older := "DROP TABLE pause; ALTER TABLE event DROP COLUMN checksum; DROP INDEX delivery_undelivered; ALTER TABLE delivery DROP COLUMN event_id; DROP TABLE seen; DROP TRIGGER event_gone; DELETE FROM event WHERE seq = 4; PRAGMA user_version = 2"
	if _, err := database(t, cfg.Path).ExecContext(t.Context(), older); err != nil {
		t.Fatal(err)
	}
	if _, err := embedded.Attach(cfg); err == nil {
		t.Error("attached to a file of an older version")
	}
	sqlite = open(t, cfg)
	handle(t, sqlite, archive(1), 3)
	if lost := audit(t, sqlite).Unaccounted; lost != 1 {
		t.Errorf("%d unaccounted, not the one whose event was deleted", lost)
	}
	if err := sqlite.Publish(t.Context(), sample("new", nil)); err != nil {
		t.Error(err)
	}
	if err := sqlite.Publish(t.Context(), sample("new", nil)); !errors.Is(err, broker.ErrDuplicate) {
		t.Error(err)
	}
}

// A round publishes the same number of events with and without a window, so that other load changes both.
func BenchmarkPublishWithDuplicates(b *testing.B) {
	for _, senders := range []int{1, 64} {
		b.Run(fmt.Sprintf("senders=%d", senders), func(b *testing.B) {
			var took [2]time.Duration
			const each = 5000
			for range b.N {
				for i, window := range []time.Duration{0, 2 * time.Hour} {
					sqlite := openOnce(b, embedded.Config{Path: filepath.Join(b.TempDir(), "line.db"), Routes: []broker.Route{archive(1)}, Duplicates: window})
					began := time.Now()
					send(b, sqlite, senders, each, "")
					took[i] += time.Since(began)
					shut(b, sqlite)
				}
			}
			b.ReportMetric(float64(each*b.N)/took[1].Seconds(), "events/s")
			b.ReportMetric(float64(took[1])/float64(took[0]), "with/without")
		})
	}
}
