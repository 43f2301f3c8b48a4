package embedded_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
)

func TestDamageOfALargeFileIsFoundWhileTheBrokerWorks(t *testing.T) {
	t.Parallel()
	cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(1)}}
	sqlite := openOnce(t, cfg)
	for range 50 {
		if err := sqlite.Publish(t.Context(), sample(unique(), make([]byte, 1<<20))); err != nil {
			t.Fatal(err)
		}
	}
	if err := sqlite.Publish(t.Context(), sample("last", nil)); err != nil {
		t.Fatal(err)
	}
	shut(t, sqlite)
	damage(t, cfg.Path)

	sqlite = openOnce(t, cfg)
	await(t.Context(), t, func() bool { return errors.Is(sqlite.Ready(), embedded.ErrDamaged) })
	err := sqlite.Publish(t.Context(), sample("new", nil))
	if !errors.Is(err, embedded.ErrDamaged) || !errors.Is(err, broker.ErrRefused) {
		t.Errorf("a new event: %v", err)
	}
	handle(t, sqlite, archive(1), 1)

	shut(t, sqlite)

	cfg.CheckFirst = true
	expectRefusal(t, cfg, "is damaged", "backup")
}

// damage makes pages in the middle of a database unreadable.
func damage(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err == nil {
		_, err = f.WriteAt(make([]byte, 1<<20), info.Size()/2)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}
