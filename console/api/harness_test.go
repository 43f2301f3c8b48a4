package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
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

// installation is a console with its API, a broker and a journal.
type installation struct {
	t       *testing.T
	url     string
	token   string
	dir     string
	broker  *embedded.Broker
	journal *journal.Store
	batches int64
}

// start serves the API with everything behind it on a port of its own.
func start(t *testing.T, change func(*api.Parts)) *installation {
	t.Helper()
	dir := t.TempDir()
	b, err := embedded.Open(embedded.Config{Path: filepath.Join(dir, "hookline.db"), Routes: []broker.Route{
		{Name: "archive", Match: []string{"alma.#"}, Concurrency: 1}, {Name: "exports", Match: []string{"alma.job_end"}, Concurrency: 1},
	}}, prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close(t.Context()) })
	store, err := journal.Open(journal.Config{Dir: filepath.Join(dir, "journal"), Sources: map[string]journal.SourceConfig{"secretive": {NoBodies: true}}}, prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	bulk, err := jobs.Open(filepath.Join(dir, "console"), jobs.Parts{Undelivered: b, Routes: []string{"archive", "exports"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bulk.Close() })
	parts := api.Parts{
		Journal: store, Jobs: bulk, Auditor: b, Inspector: b, Undelivered: b, Pauser: b, Quarantine: &fakeQuarantine{Store: store},
		Routes: []console.Route{{Name: "archive", Match: []string{"alma.#"}, Handler: "file"}, {Name: "exports", Match: []string{"alma.job_end"}, Handler: "transfer"}},
	}
	if change != nil {
		change(&parts)
	}
	cfg := console.DefaultConfig()
	cfg.Dir = filepath.Join(dir, "console")
	cfg.Users = map[string]console.User{"sam": {Password: "a long password of sam", Role: console.Look}}
	c, err := console.New(cfg, console.Parts{Auditor: b, Inspector: b, API: api.New(parts).Handler()})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(c.Handler())
	t.Cleanup(server.Close)
	token, err := os.ReadFile(filepath.Join(cfg.Dir, console.TokenFile))
	if err != nil {
		t.Fatal(err)
	}
	return &installation{t: t, url: server.URL, token: strings.TrimSpace(string(token)), dir: dir, broker: b, journal: store}
}

// noon is the time of the first event.
func noon() time.Time { return time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC) }

// newEvent returns an event, n seconds after noon.
func newEvent(n int, source, body string) event.Event {
	return event.Event{
		ID: fmt.Sprintf("event-%d", n), Source: source, Action: "job_end", Time: noon().Add(time.Duration(n) * time.Second),
		ContentType: "application/json", Header: map[string]string{"X-Trace": fmt.Sprint("trace-", n)}, Data: []byte(body),
	}
}

// record writes events, and attempts of them, into the journal.
func (i *installation) record(events []event.Event, attempts ...journal.Attempt) {
	i.t.Helper()
	i.batches++
	b := journal.Batch{Process: "test", Number: i.batches, Ended: attempts}
	for _, e := range events {
		b.Stored = append(b.Stored, journal.Stored{Event: e, Process: "receiver-1"})
	}
	if err := i.journal.Append(i.t.Context(), b); err != nil {
		i.t.Fatal(err)
	}
}

func failed(e event.Event, route string) journal.Attempt {
	return journal.Attempt{
		Key: journal.KeyOf(e), Route: route, Number: 1, Start: e.Time.Add(time.Second), Duration: 1500 * time.Microsecond, Outcome: journal.Dead,
		Reason: "permanent", Error: "POST files.example.org: answered 403", Process: "worker-1",
	}
}

// request returns a request with the token.
func (i *installation) request(method, path, body string) *http.Request {
	i.t.Helper()
	r, err := http.NewRequestWithContext(i.t.Context(), method, i.url+path, strings.NewReader(body))
	if err != nil {
		i.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+i.token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// onlyLooking signs in a person who may only look, and returns the cookie.
func (i *installation) onlyLooking() *http.Cookie {
	i.t.Helper()
	r := i.request(http.MethodPost, "/login", "name=sam&password=a+long+password+of+sam")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(r)
	if err != nil {
		i.t.Fatal(err)
	}
	defer answer.Body.Close()
	if len(answer.Cookies()) != 1 {
		i.t.Fatalf("signing in: %s", answer.Status)
	}
	return answer.Cookies()[0]
}

// die stores an event on the broker, and lets the route exports give it up.
func (i *installation) die(e event.Event) {
	i.t.Helper()
	if err := i.broker.Publish(i.t.Context(), e); err != nil {
		i.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(i.t.Context())
	defer stop()
	err := i.broker.Consume(ctx, broker.Route{Name: "exports", Match: []string{"alma.job_end"}, Concurrency: 1}, func(context.Context, event.Delivery) broker.Outcome {
		stop()
		return broker.Outcome{Verdict: broker.VerdictDead, Reason: "permanent", Err: errors.New("POST files.example.org: answered 403")}
	})
	if err != nil {
		i.t.Fatal(err)
	}
}
