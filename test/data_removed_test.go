package test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// `rm -rf data` under a running process went on with 200.
func TestARemovedDataFolderIsNoLonger200(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.write(t, "hookline.yml", `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
sources: { alma: { preset: alma, secrets: first-test-secret } }
routes: { archive: { match: "#", handler: { kind: log } } }
`)
	p := f.start(t, "run")
	expectAnswer(t, p, "stored", 10, http.StatusOK)
	if err := os.RemoveAll(filepath.Join(f.dir, "data")); err != nil {
		t.Fatal(err)
	}
	expectAnswer(t, p, "lost", 10, http.StatusServiceUnavailable)
	expectAnswer(t, p, "lost", 10, http.StatusServiceUnavailable)
	expectRemoved(t, p, http.StatusServiceUnavailable)
}

func TestARemovedSpoolIsNoLonger200(t *testing.T) {
	t.Parallel()
	f := newFolder(t, noBroker)
	f.write(t, "hookline.yml", spoolConfig)
	p := f.start(t, "receiver")
	expectAnswer(t, p, "stored", 10, http.StatusOK)
	if err := os.RemoveAll(filepath.Join(f.dir, "data")); err != nil {
		t.Fatal(err)
	}
	expectAnswer(t, p, "lost", 10, http.StatusServiceUnavailable)
	expectRemoved(t, p, http.StatusServiceUnavailable)
}

func expectRemoved(t *testing.T, p *process, code int) {
	t.Helper()
	if got, text := p.look(t, "/readyz"); got != code || !strings.Contains(text, "removed or replaced") {
		t.Errorf("ready: %d %s", got, text)
	}
}
