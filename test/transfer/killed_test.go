package transfer

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"net"
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
	server, size := serveExport(t, batches*batch)
	server.Address = halfway(t, server.Address, size/2)
	h := newHookline(t, fetching(server)+fmt.Sprintf(`
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
	h.start()
	h.wait("delivery done", 2*time.Minute)
	ids := map[string]bool{}
	files := whole(t, out, batch)
	for _, text := range files {
		for line := range bytes.Lines(text) {
			ids[string(line)] = true
		}
	}
	if before == batches || len(files) != batches || len(ids) != batches*batch {
		t.Errorf("%d files before, then %d with %d records", before, len(files), len(ids))
	}
}

// halfway stands in front of a server. Its first client gets so many bytes and then waits for more until it gives up; later ones get all.
func halfway(t *testing.T, address string, bytes int64) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	pass := func(client net.Conn, limit int64) {
		defer func() { _ = client.Close() }()
		server, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		defer func() { _ = server.Close() }()
		go func() { _, _ = io.CopyN(client, server, limit) }()
		_, _ = io.Copy(server, client)
	}
	go func() {
		for limit := bytes; ; limit = math.MaxInt64 {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			go pass(client, limit)
		}
	}()
	return ln.Addr().String()
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
