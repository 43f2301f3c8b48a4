package test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/test/rabbitnode"
)

// mostMemory is the bound in KiB. The manifest for Kubernetes gives a worker 256 MiB, and a worker was seen to take 192 to 242. On a busy
// machine Go's collector may come later. Without its budget a worker takes more than 500 MiB.
const mostMemory = 320 << 10

// TestLargeEventsTakeABoundedMemory runs a worker on six events of 16 MB, whose decoded lists took 1.6 GiB.
func TestLargeEventsTakeABoundedMemory(t *testing.T) {
	expectMemory(t, `where: 'data.kind == "x" and data.n != 7', handler: { kind: log, fields: [kind] }`, 8_000_000)
}

// TestTemplatesTakeABoundedMemory runs a worker on six events whose decoded lists take 100 MB each.
func TestTemplatesTakeABoundedMemory(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(target.Close)
	expectMemory(t, `handler: { kind: http, url: "`+target.URL+`", body: '{{len .data.pad}}' }`, 2_000_000)
}

// expectMemory runs a worker on six events with lists of this many digits.
func expectMemory(t *testing.T, route string, digits int) {
	t.Helper()
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("needs /proc")
	}
	url := rabbitnode.URL(t)
	f := newFolder(t, "GOMEMLIMIT=230MiB") // as in the manifest
	f.write(t, "hookline.yml", `
private_listen: "127.0.0.1:0"
data: data
broker: { url: "`+url+`" }
sources: { other: { preset: token, secrets: "a secret of 22 bytes" } }
routes:
  kept: { match: "#", `+route+` }
`)
	b, err := rabbitmq.Open(rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{{Name: "kept", Match: []string{"#"}, Concurrency: 1}}},
		prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close(context.Background()) })
	body := []byte(`{"kind":"x","pad":[0` + strings.Repeat(",0", digits-1) + `]}`)
	for i := range 6 {
		e := event.Event{ID: fmt.Sprint(i), Source: "other", Action: "job_end", Time: time.Now().UTC(), ContentType: "application/json", Data: body}
		if err := b.Publish(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	p := f.startPlain(t, "worker")
	for range 6 {
		if line := p.log(t, "delivery done"); line["outcome"] != "done" {
			t.Errorf("%v", line)
		}
	}
	peak := peakMemory(t, p)
	t.Logf("the worker took %d MiB", peak>>10)
	if peak > mostMemory {
		t.Errorf("more than %d MiB", mostMemory>>10)
	}
}

// startPlain starts a binary that is built without the race detector, which multiplies the memory.
func (f folder) startPlain(t *testing.T, args ...string) *process {
	t.Helper()
	file := filepath.Join(t.TempDir(), "hookline")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", file, "../cmd/hookline").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return f.launchCommand(t, exec.Command(file, append([]string{"--log-format", "json"}, args...)...))
}

// peakMemory returns the largest resident memory of a process so far, in KiB.
func peakMemory(t *testing.T, p *process) int {
	t.Helper()
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindStringSubmatch(read(t, fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid)))
	if found == nil {
		t.Fatal("/proc does not tell the peak memory")
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
