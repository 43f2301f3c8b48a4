package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds each wait of a test on a busy machine.
const patience = time.Minute

const testConfig = `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
data: DATA
sources: { alma: { preset: alma, secrets: first-test-secret } }
routes:
  failing: { match: alma.loan.#, retry: { attempts: 1 }, handler: { kind: exec, command: [sh, -c, "echo broken >&2; exit 1"] } }
`

// configFile writes a configuration with the embedded broker in a new folder.
func configFile(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "hookline.yml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, "DATA", filepath.Join(dir, "data"))), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// output is a text that one goroutine writes while another waits for parts of it.
type output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func newOutput() *output { return &output{changed: make(chan struct{}, 1)} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.changed <- struct{}{}:
	default:
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// await waits for a whole line with a part and returns it.
func (o *output) await(t *testing.T, part string) string {
	t.Helper()
	return o.awaitCount(t, part, 1)
}

// awaitCount waits for n whole lines with a part and returns the last one.
func (o *output) awaitCount(t *testing.T, part string, n int) string {
	t.Helper()
	for patient := time.After(patience); ; {
		found := 0
		for line := range strings.Lines(o.String()) {
			if strings.Contains(line, part) && strings.HasSuffix(line, "\n") {
				found++
			}
			if found == n {
				return line
			}
		}
		select {
		case <-o.changed:
		case <-patient:
			t.Fatalf("%d lines with %q, not %d: %s", found, part, n, o)
		}
	}
}

// commands runs command lines with one configuration.
type commands struct{ file string }

// run runs a command line, and returns its exit code and everything that it wrote.
func (c commands) run(t *testing.T, args ...string) (code int, said string) {
	t.Helper()
	out := newOutput()
	code = Program{}.Run(t.Context(), append([]string{"-c", c.file, "--log-format", "json"}, args...), out, out)
	return code, out.String()
}

// started is a role that runs.
type started struct {
	log             *output
	listen, private string
	stop            context.CancelFunc
	code            <-chan int
}

// start starts `hookline run`. The end of the test stops it.
func (c commands) start(t *testing.T) *started {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	code, log := make(chan int, 1), newOutput()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		code <- Program{}.Run(ctx, []string{"-c", c.file, "--log-format", "json", "run"}, io.Discard, log)
	}()
	t.Cleanup(func() { stop(); <-ended })
	var line struct {
		Listen  string `json:"listen"`
		Private string `json:"private_listen"`
	}
	if err := json.Unmarshal([]byte(log.await(t, `"msg":"started"`)), &line); err != nil {
		t.Fatal(err)
	}
	return &started{log, line.Listen, line.Private, stop, code}
}
