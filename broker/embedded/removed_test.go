package embedded_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
)

// After `rm -rf data` under a running process, events were answered 200 that no file had.
func TestARemovedOrReplacedFileTakesNoEvents(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(path string) error{
		"folder":   func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
		"database": os.Remove,
		"log":      func(path string) error { return os.Remove(path + "-wal") },
		"replaced": func(path string) error {
			return errors.Join(os.Rename(path, path+".old"), os.WriteFile(path, nil, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "data", "line.db"), Routes: []broker.Route{archive(1)}}
			sqlite := open(t, cfg)
			publishAll(t, sqlite, 3)
			if err := remove(cfg.Path); err != nil {
				t.Fatal(err)
			}
			for range 2 { // a repeat is no duplicate of a stored event
				if err := sqlite.Publish(t.Context(), sample("lost", nil)); !errors.Is(err, broker.ErrRefused) || !strings.Contains(err.Error(), "removed or replaced") {
					t.Errorf("an event: %v", err)
				}
			}
			if err := sqlite.Ready(); !errors.Is(err, broker.ErrRefused) || !strings.Contains(err.Error(), "removed or replaced") {
				t.Errorf("ready: %v", err)
			}
			handle(t, sqlite, archive(1), 3) // stored events are still in the open file
		})
	}
}

func TestAFileThatComesBackTakesEvents(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	sqlite := open(t, embedded.Config{Path: filepath.Join(dir, "line.db")})
	for _, move := range [][2]string{{dir, dir + ".moved"}, {dir + ".moved", dir}} {
		if err := os.Rename(move[0], move[1]); err != nil {
			t.Fatal(err)
		}
	}
	publishAll(t, sqlite, 1)
}
