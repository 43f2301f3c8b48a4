package cli

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
	"github.com/hookline/hookline/console"
	"github.com/hookline/hookline/console/api"
	"github.com/hookline/hookline/console/jobs"
	"github.com/hookline/hookline/journal"
	"github.com/hookline/hookline/pkg/event"
)

// testConsole is a console with a broker and a journal.
type testConsole struct {
	t       *testing.T
	server  *httptest.Server
	flags   []string // that name it
	broker  *embedded.Broker
	journal *journal.Store
	batches int64
	away    atomic.Bool // it ends each connection
}

func startConsole(t *testing.T) *testConsole {
	t.Helper()
	dir, reg := t.TempDir(), prometheus.NewRegistry()
	c := &testConsole{t: t}
	var err error
	c.broker, err = embedded.Open(embedded.Config{Path: filepath.Join(dir, "line.db"), Routes: []broker.Route{{Name: "exports", Match: []string{"alma.#"}, Concurrency: 1}}}, reg, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.broker.Close(t.Context()) })
	if c.journal, err = journal.Open(journal.Config{Dir: filepath.Join(dir, "journal")}, reg, zap.NewNop()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.journal.Close() })
	bulk, err := jobs.Open(filepath.Join(dir, "console"), jobs.Parts{Undelivered: c.broker, Routes: []string{"exports"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = bulk.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait(); _ = bulk.Close() })
	cfg := console.DefaultConfig()
	cfg.Dir = filepath.Join(dir, "console")
	pages, err := console.New(cfg, console.Parts{Auditor: c.broker, Inspector: c.broker, API: api.New(api.Parts{Journal: c.journal, Jobs: bulk, Undelivered: c.broker}).Handler()})
	if err != nil {
		t.Fatal(err)
	}
	handler := pages.Handler()
	c.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.away.Load() {
			panic(http.ErrAbortHandler)
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(c.server.Close)
	c.flags = []string{"--console", c.server.URL, "--token-file", filepath.Join(cfg.Dir, console.TokenFile)}
	return c
}

// record writes events, and attempts of them, into the journal.
func (c *testConsole) record(events []event.Event, attempts ...journal.Attempt) {
	c.t.Helper()
	c.batches++
	b := journal.Batch{Process: "test", Number: c.batches, Ended: attempts}
	for _, e := range events {
		b.Stored = append(b.Stored, journal.Stored{Event: e, Process: "receiver-1"})
	}
	if err := c.journal.Append(c.t.Context(), b); err != nil {
		c.t.Fatal(err)
	}
}

// run runs a command line that names the console.
func (c *testConsole) run(args ...string) (code int, stdout, stderr string) {
	c.t.Helper()
	out, errs := newOutput(), newOutput()
	code = Program{}.Run(c.t.Context(), append(args, c.flags...), out, errs)
	return code, out.String(), errs.String()
}

// recorded returns an event for the journal.
func recorded(id, body string) event.Event {
	return event.Event{
		ID: id, Source: "alma", Action: "job_end", Time: time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC), ContentType: "application/json",
		Header: map[string]string{"X-Trace": "trace-" + id}, Data: []byte(body),
	}
}

func gaveUp(e event.Event) journal.Attempt {
	return journal.Attempt{
		Key: journal.KeyOf(e), Route: "exports", Number: 1, Start: e.Time.Add(time.Second), Duration: 1500 * time.Microsecond, Outcome: journal.Dead,
		Reason: "permanent", Error: "answered \x1b[31m403", Process: "worker-1",
	}
}

// die stores events on the broker, and lets their route give them up.
func (c *testConsole) die(events ...event.Event) {
	c.t.Helper()
	for _, e := range events {
		if err := c.broker.Publish(c.t.Context(), e); err != nil {
			c.t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(c.t.Context())
	defer stop()
	left := len(events)
	err := c.broker.Consume(ctx, broker.Route{Name: "exports", Match: []string{"alma.#"}, Concurrency: 1}, func(context.Context, event.Delivery) broker.Outcome {
		if left--; left == 0 {
			stop()
		}
		return broker.GiveUp("permanent", errors.New("answered 403"))
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// begin begins a command line that names the console.
func (c *testConsole) begin(args ...string) (out *output, stop context.CancelFunc, ended <-chan int) {
	c.t.Helper()
	ctx, stop := context.WithCancel(c.t.Context())
	c.t.Cleanup(stop)
	out = newOutput()
	code := make(chan int, 1)
	go func() { code <- Program{}.Run(ctx, append(args, c.flags...), out, out) }()
	return out, stop, code
}
