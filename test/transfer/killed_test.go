package transfer

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAKilledWorkerLeavesNoTornFile kills hookline in the middle of a transfer, and starts it again: what has its name is whole then and at the
// end, and nothing is there twice.
func TestAKilledWorkerLeavesNoTornFile(t *testing.T) {
	t.Parallel()
	const batches, batch = 15, 1000
	out := t.TempDir()
	fetching, _ := serveExport(t, batches*batch)
	h := newHookline(t, fetching+fmt.Sprintf(`
      write: { per: batch, batch: %d, format: ndjson, path: "{job}/{file}-{n}{ext}", existing: skip }
      to: { local: { dir: %q } }
    timeout: 5m
`, batch, out))
	h.start()
	h.jobEnds("5", "LARGE")
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for late := time.Now().Add(time.Minute); len(whole(t, out, batch)) < 2; <-tick.C {
		if time.Now().After(late) {
			t.Fatal(h.log)
		}
	}
	if err := h.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = h.cmd.Wait()
	before := len(whole(t, out, batch))
	if before == batches {
		t.Skip("it was done before it was killed")
	}
	h.start()
	h.wait("delivery done", 2*time.Minute)
	ids := map[string]bool{}
	files := whole(t, out, batch)
	for _, text := range files {
		for line := range bytes.Lines(text) {
			ids[string(line)] = true
		}
	}
	if len(files) != batches || len(ids) != batches*batch {
		t.Errorf("%d files before, then %d with %d records", before, len(files), len(ids))
	}
}

// whole are the files that have their names, each of which must be whole.
func whole(t *testing.T, dir string, batch int) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "5", "*"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, name := range names {
		if strings.HasPrefix(filepath.Base(name), ".") { // a part
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil || bytes.Count(text, []byte("\n")) != batch {
			t.Fatalf("%s has %d lines: %v", name, bytes.Count(text, []byte("\n")), err)
		}
		files[name] = text
	}
	return files
}
