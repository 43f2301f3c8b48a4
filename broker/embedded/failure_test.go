package embedded

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// TestAStatementThatFailsFailsItsTransaction closes one statement after the other. The event must be stored whole or not at all.
func TestAStatementThatFailsFailsItsTransaction(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]func(*statements) **sql.Stmt{
		"begin":        func(s *statements) **sql.Stmt { return &s.begin },
		"event":        func(s *statements) **sql.Stmt { return &s.event },
		"delivery":     func(s *statements) **sql.Stmt { return &s.delivery },
		"tally":        func(s *statements) **sql.Stmt { return &s.tally },
		"source tally": func(s *statements) **sql.Stmt { return &s.sourceTally },
		"seen":         func(s *statements) **sql.Stmt { return &s.seen },
		"commit":       func(s *statements) **sql.Stmt { return &s.commit },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWriter(t)
			defer func() { go w.run() }()
			var err error
			if w.duplicates, err = loadDuplicates(t.Context(), w.conn, Config{Duplicates: time.Hour, MaxBytes: MinBytes}); err != nil {
				t.Fatal(err)
			}
			publish := func() error {
				duplicate := false
				e := event.Event{ID: "1", Source: "alma", Action: "job_end", Time: time.Now()}
				o := insertOnce(e, []string{"archive"}, &duplicate)
				w.commit([]*op{o})
				if duplicate {
					t.Error("an event that was not stored is a duplicate")
				}
				return <-o.answer
			}
			of := statement(&w.sql)
			if err := (*of).Close(); err != nil {
				t.Fatal(err)
			}
			if err := publish(); !errors.Is(err, broker.ErrRefused) {
				t.Errorf("published: %v", err)
			}
			for _, table := range []string{"event", "delivery", "tally", "source_tally", "seen"} {
				if n := count(t, w, table); n != 0 {
					t.Errorf("%d rows in %s", n, table)
				}
			}
			if w.connected() != 0 {
				t.Error("the metric says connected")
			}
			if err := prepare(t.Context(), w.conn, w.sql.all()); err != nil {
				t.Fatal(err)
			}
			if err := publish(); err != nil {
				t.Errorf("published after the repair: %v", err)
			}
			if n := count(t, w, "event WHERE seq = 1"); n != 1 || w.connected() != 1 {
				t.Errorf("%d events after the repair", n)
			}
		})
	}
}

// openFilesIn returns the files under dir that this process has open.
func openFilesIn(t *testing.T, dir string) (found []string) {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("this system does not list open files")
	}
	for _, fd := range all {
		if name, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && strings.HasPrefix(name, dir) {
			found = append(found, name)
		}
	}
	return found
}

func TestAFailedOpenLeavesNothingOpen(t *testing.T) {
	t.Parallel()
	execute := func(statement string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			db, err := openDB(path)
			if err == nil {
				_, err = db.ExecContext(t.Context(), statement)
			}
			if err := errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, spoil := range map[string]func(*testing.T, string){
		"a later version":           execute("PRAGMA user_version = 99"),
		"an earlier one, spoilt":    execute("PRAGMA user_version = 1"),
		"without events":            execute("DROP VIEW look; DROP TABLE event"),
		"without deliveries":        execute("DROP VIEW look; DROP TABLE delivery"),
		"without counts":            execute("DROP TABLE source_tally"),
		"without duplicates":        execute("DROP TABLE seen"),
		"a duplicate that is a row": execute("DROP TABLE seen; CREATE TABLE seen (at INTEGER, other TEXT)"),
		"damaged": func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"no crash marker": func(t *testing.T, path string) {
			if err := errors.Join(os.Remove(markerPath(path)), os.Mkdir(markerPath(path), 0o700)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cfg := Config{Path: filepath.Join(dir, "line.db"), Routes: []broker.Route{{Name: "archive", Match: []string{"#"}, Concurrency: 1}}, MaxBytes: MinBytes, Duplicates: time.Hour}
			b, err := Open(cfg, prometheus.NewRegistry(), zap.NewNop())
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := b.Close(ctx); err != nil {
				t.Fatal(err)
			}
			spoil(t, cfg.Path)
			if b, err := Open(cfg, prometheus.NewRegistry(), zap.NewNop()); err == nil {
				_ = b.Close(ctx)
				t.Fatal("opened")
			}
			if left := openFilesIn(t, dir); left != nil {
				t.Errorf("still open: %v", left)
			}
		})
	}
}

func TestASecondBrokerInARegistryIsRefusedAndClosed(t *testing.T) {
	t.Parallel()
	reg, dir := prometheus.NewRegistry(), t.TempDir()
	cfg := Config{Path: filepath.Join(dir, "a", "line.db"), MaxBytes: MinBytes}
	first, err := Open(cfg, reg, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Close(t.Context()) }()
	cfg.Path = filepath.Join(dir, "b", "line.db")
	if second, err := Open(cfg, reg, zap.NewNop()); err == nil {
		_ = second.Close(t.Context())
		t.Error("opened")
	}
	if left := openFilesIn(t, filepath.Join(dir, "b")); left != nil {
		t.Errorf("still open: %v", left)
	}
}

func TestABrokenStoredHeaderIsAnError(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`"X-A`, `X-A: "b"`, `"X-A": b`, `"X-A": "b`, `"X-A": "b" x`, `"X-A"`, "\"X-A\": \"b\"\n\"X-B", "\n", `"\q": "b"`, "'ab': \"b\"",
	} {
		if header, err := parseHeader(text); err == nil || header != nil || !strings.Contains(err.Error(), "header") {
			t.Errorf("%q is %v, %v", text, header, err)
		}
	}
	if header, err := parseHeader("\"X-A\": \"b\"\n\"X-B\": \"\"\n"); err != nil || len(header) != 2 || header["X-A"] != "b" {
		t.Errorf("%v, %v", header, err)
	}
	if header, err := parseHeader(""); err != nil || header != nil {
		t.Errorf("%v, %v", header, err)
	}
}
