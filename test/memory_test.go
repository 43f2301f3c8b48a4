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
	"sync"
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
	f.writeWorker(t, url, "  kept: { match: \"#\", "+route+" }\n")
	publishLarge(t, url, 6, digits, "kept")
	p := f.startPlain(t, "worker")
	for range 6 {
		if line := p.log(t, "delivery done"); line["outcome"] != "done" {
			t.Errorf("%v", line)
		}
	}
	expectPeak(t, p)
}

// TestFetchedEventsTakeABoundedMemory runs a worker with three slow routes on eight events of 16 MB, which all of them get. It fetched
// all of them, 384 MB.
func TestFetchedEventsTakeABoundedMemory(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("needs /proc")
	}
	const events = 8
	names := []string{"a", "b", "c"}
	started, release := make(chan string, events*len(names)), make(chan struct{})
	target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		started <- r.URL.Path
		<-release
	}))
	t.Cleanup(target.Close)
	let := sync.OnceFunc(func() { close(release) })
	defer let()
	url := rabbitnode.URL(t)
	f := newFolder(t, "GOMEMLIMIT=230MiB") // as in the manifest
	routes := ""
	for _, name := range names {
		routes += fmt.Sprintf("  %s: { match: \"#\", concurrency: 8, handler: { kind: http, url: \"%s/%s\" } }\n", name, target.URL, name)
	}
	f.writeWorker(t, url, routes)
	b := publishLarge(t, url, events, 8_000_000, names...)
	p := f.startPlain(t, "worker")
	for range names {
		select {
		case <-started:
		case <-time.After(patience):
			t.Fatal("not every route has an event")
		}
	}
	for deadline, n := time.Now().Add(patience), 0; n != (events-1)*len(names); n = waitingWork(t, b) {
		if time.Now().After(deadline) {
			t.Fatalf("%d events wait in the queues, and the worker took %d MiB", n, peakMemory(t, p)>>10)
		}
		<-time.After(100 * time.Millisecond)
	}
	let()
	for range events * len(names) {
		if line := p.log(t, "delivery done"); line["outcome"] != "done" || line["attempt"] != 1.0 {
			t.Errorf("%v", line)
		}
	}
	expectPeak(t, p)
}

// waitingWork returns how many events wait in work queues.
func waitingWork(t *testing.T, b *rabbitmq.Broker) (n int) {
	t.Helper()
	queues, err := b.Queues(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range queues {
		if q.Role == broker.RoleWork {
			n += q.Waiting
		}
	}
	return n
}

func (f folder) writeWorker(t *testing.T, url, routes string) {
	t.Helper()
	f.write(t, "hookline.yml", `
private_listen: "127.0.0.1:0"
data: data
broker: { url: "`+url+`" }
sources: { other: { preset: token, secrets: "a secret of 22 bytes" } }
routes:
`+routes)
}

// publishLarge publishes events with lists of this many digits to routes that match all.
func publishLarge(t *testing.T, url string, events, digits int, routes ...string) *rabbitmq.Broker {
	t.Helper()
	cfg := rabbitmq.Config{URLs: []string{url}}
	for _, name := range routes {
		cfg.Routes = append(cfg.Routes, broker.Route{Name: name, Match: []string{"#"}, Concurrency: 1})
	}
	b, err := rabbitmq.Open(cfg, prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close(context.Background()) })
	body := []byte(`{"kind":"x","pad":[0` + strings.Repeat(",0", digits-1) + `]}`)
	for i := range events {
		e := event.Event{ID: fmt.Sprint(i), Source: "other", Action: "job_end", Time: time.Now().UTC(), ContentType: "application/json", Data: body}
		if err := b.Publish(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func expectPeak(t *testing.T, p *process) {
	t.Helper()
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
