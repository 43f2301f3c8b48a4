package journal_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/journal"
)

// closed returns the folder of a journal with one event, and its file.
func closed(t *testing.T) (dir, path string) {
	t.Helper()
	dir = t.TempDir()
	s, err := journal.Open(journal.Config{Dir: dir}, prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	feedOf(t, s).batch([]journal.Stored{received(1, `{}`)}, nil)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, filepath.Join(dir, "journal.db")
}

func refused(t *testing.T, dir string, want error, says string) {
	t.Helper()
	s, err := journal.Open(journal.Config{Dir: dir}, prometheus.NewRegistry(), zap.NewNop())
	if err == nil {
		t.Fatal(errors.Join(errors.New("the journal was opened"), s.Close()))
	}
	if !errors.Is(err, want) || !strings.Contains(err.Error(), says) {
		t.Errorf("%v, want %q", err, says)
	}
}

func TestAJournalIsOpenedAgain(t *testing.T) {
	t.Parallel()
	dir, _ := closed(t)
	s := open(t, journal.Config{Dir: dir})
	f := feedOf(t, s)
	f.number = 1
	f.batch([]journal.Stored{received(2, `{}`)}, nil)
	expectList(t, s, journal.Filter{}, "event-2", "event-1")
	if gaps, err := s.Gaps(t.Context()); err != nil || len(gaps) != 0 {
		t.Errorf("gaps: %+v, %v", gaps, err)
	}
}

func TestASecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	dir, _ := closed(t)
	open(t, journal.Config{Dir: dir})
	if s, err := journal.Open(journal.Config{Dir: dir}, prometheus.NewRegistry(), zap.NewNop()); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a second one: %v, %v", s, err)
	}
}

func TestAFileThatIsNoJournalIsLeftAlone(t *testing.T) {
	t.Parallel()
	t.Run("newer", func(t *testing.T) {
		dir, path := closed(t)
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), "PRAGMA user_version = 99"); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		refused(t, dir, journal.ErrForeign, "Run the Hookline that wrote it")
	})
	t.Run("of another program", func(t *testing.T) {
		dir := t.TempDir()
		db, err := sql.Open("sqlite", filepath.Join(dir, "journal.db"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), "CREATE TABLE mine (a)"); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		refused(t, dir, journal.ErrForeign, "another program")
	})
	t.Run("damaged", func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "journal.db")
		content := strings.Repeat("no database ", 1000)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		refused(t, dir, journal.ErrDamaged, "move the file away")
		if after, err := os.ReadFile(path); err != nil || string(after) != content {
			t.Errorf("the file was changed: %v", err)
		}
	})
}

func TestDamageInsideIsToldAndHarmsNobody(t *testing.T) {
	t.Parallel()
	dir, path := closed(t)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 8192; i < len(content); i++ { // the schema stays
		content[i] ^= 0x55
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := journal.Open(journal.Config{Dir: dir}, prometheus.NewRegistry(), zap.NewNop())
	if err == nil {
		t.Cleanup(func() { _ = s.Close() })
		_, _, err = s.Events(t.Context(), journal.Filter{}, journal.Page{})
	}
	if !errors.Is(err, journal.ErrDamaged) {
		t.Errorf("damaged: %v", err)
	}
}

func TestARemovedFileTakesNoRecords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, journal.Config{Dir: dir})
	feedOf(t, s).batch([]journal.Stored{received(1, `{}`)}, nil)
	path := filepath.Join(dir, "journal.db")
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	b := journal.Batch{Process: "one", Number: 2, Stored: []journal.Stored{received(2, `{}`)}}
	if err := s.Append(t.Context(), b); !errors.Is(err, journal.ErrRemoved) || !strings.Contains(err.Error(), "restart this process") {
		t.Errorf("removed: %v", err)
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), b); err != nil {
		t.Errorf("put back: %v", err)
	}
	expectList(t, s, journal.Filter{}, "event-2", "event-1")
}

func TestAnEndedContextStoresNothing(t *testing.T) {
	t.Parallel()
	s := open(t, journal.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Append(ctx, journal.Batch{Process: "one", Number: 1, Stored: []journal.Stored{received(1, `{}`)}}); !errors.Is(err, context.Canceled) {
		t.Errorf("append: %v", err)
	}
	expectList(t, s, journal.Filter{})
}
