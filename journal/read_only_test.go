package journal_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/hookline/hookline/journal"
)

func TestAJournalIsReadBesideTheProcessThatWritesIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, journal.Config{Dir: dir})
	feed := feedOf(t, s)
	feed.batch([]journal.Stored{received(1, `{"n":1}`)}, nil)
	r, err := journal.OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	feed.batch([]journal.Stored{received(2, `{"n":2}`)}, nil)
	var bodies []string
	err = r.Each(t.Context(), journal.Filter{From: noon()}, func(d journal.Detail) bool {
		bodies = append(bodies, string(d.Event().Data))
		return true
	})
	if err != nil || len(bodies) != 2 || bodies[0] != `{"n":2}` {
		t.Errorf("%q, %v", bodies, err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestReadingAMissingOrForeignJournalCreatesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := journal.OpenReadOnly(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if found, _ := os.ReadDir(dir); len(found) > 0 {
		t.Errorf("made %v", found)
	}
	if err := os.WriteFile(filepath.Join(dir, "journal.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.OpenReadOnly(dir); !errors.Is(err, journal.ErrForeign) {
		t.Error(err)
	}
}
