package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

func newWriter(t *testing.T) *writer {
	t.Helper()
	path := filepath.Join(t.TempDir(), "line.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := openWriter(t.Context(), path, Config{MaxBytes: MinBytes}, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func tiny(id string) *op {
	return insert(event.Event{ID: id, Source: "alma", Action: "job_end", Time: time.UnixMilli(1)}, []string{"archive"})
}

func count(t *testing.T, w *writer, table string) (n int) {
	t.Helper()
	if err := w.conn.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDatabaseIsAsDurableAsPromised(t *testing.T) {
	w := newWriter(t)
	defer func() { go w.run() }()
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "busy_timeout": "10000", "max_page_count": "256", "page_size": "4096"} {
		var got string
		if err := w.conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, want %s: %v", pragma, got, want, err)
		}
	}
	// From 3.7.0 to 3.51.2 a checkpoint beside a write could corrupt the database: sqlite.org/wal.html, "WAL-reset bug".
	var major, minor, patch int
	var version string
	if err := w.conn.QueryRowContext(t.Context(), "SELECT sqlite_version()").Scan(&version); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(version, "%d.%d.%d", &major, &minor, &patch); err != nil || major*1_000_000+minor*1000+patch < 3_051_003 {
		t.Errorf("SQLite %s, want at least 3.51.3: %v", version, err)
	}
}

func TestOneBadOperationFailsAlone(t *testing.T) {
	w := newWriter(t)
	defer func() { go w.run() }()
	bad := errors.New("bad")
	half := newOp(1, func(tx *transaction) error {
		if err := tiny("half").apply(tx); err != nil {
			return err
		}
		return bad
	})
	batch := []*op{tiny("1"), tiny("2"), half, tiny("3")}
	w.commit(append([]*op(nil), batch...))
	for i, o := range batch {
		if err := <-o.answer; (i == 2) != errors.Is(err, bad) || (i != 2) != (err == nil) {
			t.Errorf("operation %d: %v", i, err)
		}
	}
	if n := count(t, w, "event WHERE id <> 'half'"); n != 3 {
		t.Errorf("%d good events are stored, want 3", n)
	}
	if n := count(t, w, "event WHERE id = 'half'"); n != 0 {
		t.Error("half of the bad operation is stored")
	}
	if n := count(t, w, "tally WHERE what = 'stored' AND n = 3"); n != 1 {
		t.Error("the tally counts a change that was rolled back")
	}
}

func TestAnEndedContextDoesNotWaitForTheDisk(t *testing.T) {
	w := newWriter(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.do(ctx, tiny("never taken")); !errors.Is(err, context.Canceled) || errors.Is(err, broker.ErrUnknown) {
		t.Errorf("before the writer took it: %v", err)
	}
	go w.run()
	ctx, cancel = context.WithCancel(t.Context())
	disk := make(chan struct{})
	defer close(disk)
	stuck := newOp(0, func(*transaction) error {
		cancel()
		<-disk
		return nil
	})
	if err := w.do(ctx, stuck); !errors.Is(err, broker.ErrUnknown) {
		t.Errorf("after the writer took it: %v, want ErrUnknown", err)
	}
}

func FuzzHeader(f *testing.F) {
	f.Add("X-Github-Event", "push", "X-Latin-1", "caf\xe9")
	f.Add("", "\"\n\\", "a\x00", "🎣: ")
	f.Fuzz(func(t *testing.T, name, value, name2, value2 string) {
		header := map[string]string{name: value, name2: value2}
		back, err := parseHeader(formatHeader(header))
		if err != nil || len(back) != len(header) || back[name] != header[name] || back[name2] != header[name2] {
			t.Fatalf("%q came back as %q: %v", header, back, err)
		}
	})
}

func TestCountsWaitForATransactionThatSucceeds(t *testing.T) {
	w := newWriter(t)
	defer func() { go w.run() }()
	for range 1000 {
		w.counts.add(tally{"alma", "mismatch"}, 1)
	}
	broken, good := newOp(0, func(*transaction) error { return errors.New("broken") }), tiny("1")
	w.commit([]*op{broken})
	if err := <-broken.answer; err == nil {
		t.Error("the transaction did not fail")
	}
	if n := count(t, w, "source_tally"); n != 0 {
		t.Errorf("%d numbers are there", n)
	}
	w.counts.add(tally{"alma", "mismatch"}, 1)
	w.commit([]*op{good})
	if n := count(t, w, "source_tally WHERE what = 'mismatch' AND n = 1001"); n != 1 {
		t.Error("the counts are not there")
	}
}
