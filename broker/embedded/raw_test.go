package embedded_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
)

// expectNowhere searches every file of a folder for the bytes of a text.
func expectNowhere(t *testing.T, dir, text string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		content, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(content, []byte(text)); n > 0 {
			t.Errorf("%s has %s %d times", f.Name(), text, n)
		}
	}
}

const patron = "PATRON-4711-0815"

// A discarded event stayed readable in the free pages of the file, and in its write-ahead log.
func TestADiscardedEventLeavesNoBytes(t *testing.T) {
	t.Parallel()
	cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "data", "line.db")}
	sqlite := openOnce(t, cfg)
	for i := range 300 {
		body := fmt.Appendf(nil, "%*s", i*17, patron)
		if err := sqlite.Publish(t.Context(), sample(fmt.Sprint(patron, i), body)); err != nil {
			t.Fatal(err)
		}
		if err := sqlite.Publish(t.Context(), sample(fmt.Sprint("other", i), body[:max(0, len(body)-len(patron))])); err != nil {
			t.Fatal(err)
		}
	}
	command, err := embedded.Attach(cfg)
	if err != nil {
		t.Fatal(err)
	}
	n, err := command.Discard(t.Context(), broker.Unrouted, func(u broker.UndeliveredEvent) bool { return u.Event.ID[0] == 'P' })
	if err != nil || n != 300 {
		t.Errorf("discarded %d: %v", n, err)
	}
	expectNowhere(t, filepath.Dir(cfg.Path), patron)
	if err := command.Close(t.Context()); err != nil {
		t.Error(err)
	}
	shut(t, sqlite)
	expectNowhere(t, filepath.Dir(cfg.Path), patron)
	expectTallies(t, cfg.Path)
}
