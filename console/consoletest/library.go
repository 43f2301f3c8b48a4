// Package consoletest plays a Hookline of a library for tests of package console, and for people who look at its pages.
package consoletest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/console"
	"github.com/hookline/hookline/console/jobs"
	"github.com/hookline/hookline/journal"
)

// Now is the time on the pages.
func Now() time.Time { return time.Date(2026, 11, 26, 9, 42, 7, 0, time.UTC) }

// ErrAway is the answer of a broker that is away.
var ErrAway = errors.New("dial tcp 192.0.2.10:5672: connect: connection refused")

// Library is a Hookline that exists in memory. Its zero value has seen no event. It is safe for concurrent use.
type Library struct {
	Journal *journal.Store // nil: the journal is off
	Jobs    *jobs.Jobs
	pauser  *pauser

	mu     sync.Mutex
	away   bool
	filled bool
}

// Filled returns a library at work, with failures. Its journal is a real one, in a folder of the test.
func Filled(t testing.TB) *Library {
	t.Helper()
	sandbox := broker.Pause{By: "sample.operator", Why: "sandbox is made anew", Since: Now().Add(-26 * time.Hour)}
	return &Library{
		filled: true, Journal: openJournal(t), Jobs: openJobs(t, newDeadLetters()),
		pauser: &pauser{pauses: map[string]broker.Pause{"sandbox": sandbox}},
	}
}

// Leave takes the broker away, or brings it back.
func (l *Library) Leave(away bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away = away
}

// Config is a configuration of the console that keeps its files in a folder.
func Config(dir string) console.Config {
	cfg := console.DefaultConfig()
	cfg.Dir, cfg.TimeZone = dir, "Europe/Vienna"
	return cfg
}

// Parts returns the parts of a console that shows the library.
func (l *Library) Parts() console.Parts {
	parts := console.Parts{
		Auditor: l, Inspector: l, Pausing: l, Sources: sources(), Routes: routes(),
		Broker: "RabbitMQ", Version: "0.9.0", Now: Now,
	}
	if l.Journal != nil {
		parts.Journal, parts.Jobs, parts.Pauser = l.Journal, l.Jobs, l.pauser
	}
	return parts
}

func sources() []console.Source {
	return []console.Source{
		{Name: "alma", Does: "Alma, production", URL: "https://hooks.example.org/webhooks/alma"},
		{Name: "alma-sandbox", Does: "Alma, sandbox", URL: "https://hooks.example.org/webhooks/alma-sandbox"},
		{Name: "github", Does: "GitHub", URL: "https://hooks.example.org/webhooks/github"},
		{Name: "nightly", Does: "the clock, daily at 02:00"},
	}
}

func routes() []console.Route {
	return []console.Route{
		{Name: "archive", Match: []string{"alma.#"}, Handler: "file", Does: "to data/export"},
		{Name: "loans", Match: []string{"alma.loan.#"}, Handler: "exec", Does: "/usr/local/bin/on-loan"},
		{Name: "catalogue", Match: []string{"alma.bib.#"}, Handler: "http", Does: "solr.example.org"},
		{Name: "exports", Match: []string{"alma.job_end"}, Where: `data.job_instance.name startsWith "Export"`, Handler: "transfer", Does: "files.example.org to data/records"},
		{Name: "tell-initiator", Match: []string{"alma.job_end"}, Handler: "notify", Does: "SMS, else e-mail"},
		{Name: "pushes", Match: []string{"github.push", "github.pull_request.#"}, Handler: "log"},
		{Name: "sandbox", Match: []string{"alma-sandbox.#"}, Handler: "http", Does: "sandbox.example.org"},
		{Name: "check", Match: []string{"nightly.#"}, Handler: "exec", Does: "/usr/local/bin/check"},
	}
}

// Audit returns the sum of the library's events.
func (l *Library) Audit(context.Context) (broker.Audit, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	since := time.Date(2026, 10, 3, 7, 12, 0, 0, time.UTC)
	switch {
	case l.away:
		return broker.Audit{}, ErrAway
	case !l.filled:
		return broker.Audit{Since: since}, nil
	}
	return broker.Audit{
		Since: since,
		Sources: []broker.SourceAudit{
			{Source: "alma", Received: 183_005, Accepted: 182_977, Duplicate: 28},
			{Source: "alma-sandbox", Received: 2_406, Rejected: map[string]int64{"signature": 17}, Accepted: 2_389},
			{Source: "github", Received: 6_887, Accepted: 6_887, Unrouted: 3},
			{Source: "nightly", Received: 54, Accepted: 54},
		},
		Routes: []broker.RouteAudit{
			{Route: "archive", Accepted: 182_977, Running: 1, Done: 182_976},
			{Route: "loans", Accepted: 121_440, Waiting: 212, Running: 8, Retrying: 31, Done: 121_163, Dead: 26},
			{Route: "catalogue", Accepted: 38_215, Waiting: 1_306, Retrying: 4, Done: 36_905},
			{Route: "exports", Accepted: 9_604, Running: 1, Retrying: 2, Done: 9_558, Dead: 41, Discarded: 2},
			{Route: "tell-initiator", Accepted: 9_604, Retrying: 1, Done: 9_600, Dead: 3},
			{Route: "pushes", Accepted: 6_884, Done: 6_884},
			{Route: "sandbox", Accepted: 2_389, Waiting: 14, Retrying: 1, Done: 2_374},
			{Route: "check", Accepted: 54, Done: 54},
			{Route: broker.Unrouted, Accepted: 3, Waiting: 3},
		},
	}, nil
}

// Queues returns the library's queues.
func (l *Library) Queues(ctx context.Context) (queues []broker.QueueInfo, err error) {
	audit, err := l.Audit(ctx)
	for _, r := range audit.Routes {
		if r.Route != broker.Unrouted {
			queues = append(queues, broker.QueueInfo{Name: broker.WorkQueue(r.Route), Role: broker.RoleWork, Route: r.Route, Waiting: int(r.Waiting), Consumers: 4})
		}
	}
	return queues, err
}

// Paused returns the route whose server is away.
func (l *Library) Paused(context.Context) ([]console.PausedSource, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.filled || l.away {
		return nil, nil
	}
	return []console.PausedSource{{
		Route: "catalogue", Source: "alma", Error: "POST solr.example.org: answered 503 Service Unavailable",
		Since: Now().Add(-38 * time.Minute), Next: Now().Add(3*time.Minute + 40*time.Second),
	}}, nil
}
