package embedded_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap/zaptest"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/brokertest"
	"github.com/hookline/hookline/broker/embedded"
)

func TestConformance(t *testing.T) {
	brokertest.Run(t, func(t *testing.T) brokertest.Open {
		path := filepath.Join(t.TempDir(), "line.db")
		shutLast := func() {}
		t.Cleanup(func() { shutLast() })
		return func(t *testing.T, routes []broker.Route) brokertest.Broker {
			shutLast()
			line := openMortal(t, embedded.Config{Path: path, Routes: routes, Duplicates: brokertest.Window})
			shutLast = func() { line.end(t) }
			return line
		}
	})
}

// mortal is a line that can end with work running, as if its process had died.
type mortal struct {
	*embedded.Broker
	dead bool
}

func openMortal(t *testing.T, cfg embedded.Config) *mortal {
	return &mortal{Broker: openOnce(t, cfg)}
}

func (m *mortal) Crash(t *testing.T) {
	m.dead = true
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_ = m.Close(over) // its error is the work that runs
}

// end shuts the line unless it is dead.
func (m *mortal) end(t *testing.T) {
	if !m.dead {
		shut(t, m.Broker)
	}
}

// open opens a line for one test.
func open(t testing.TB, cfg embedded.Config) *embedded.Broker {
	t.Helper()
	line, err := embedded.Open(cfg, prometheus.NewRegistry(), zaptest.NewLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, line) })
	return line
}

// shut closes a line, as its process would at a stop.
func shut(t testing.TB, line *embedded.Broker) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := line.Close(ctx); err != nil {
		t.Errorf("close: %v", err)
	}
}

// await looks until something is so, where there is no signal to wait for.
func await(ctx context.Context, t *testing.T, so func() bool) {
	t.Helper()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for !so() {
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatal("waited in vain")
		}
	}
}

// waiting is how many events wait in the queues of a role and, unless it is "", of a route.
func waiting(t *testing.T, line broker.Inspector, role broker.QueueRole, route string) (n int) {
	t.Helper()
	all, err := line.Queues(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range all {
		if q.Role == role && (route == "" || q.Route == route) {
			n += q.Waiting
		}
	}
	return n
}

// database opens the line's file as any SQLite shell would.
func database(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// expectTallies shows that nothing is unaccounted for: for each route, what was stored is done, discarded or there.
func expectTallies(t *testing.T, path string) {
	t.Helper()
	var unaccounted, orphans int
	err := database(t, path).QueryRowContext(t.Context(), `SELECT
		(SELECT count(*) FROM (SELECT DISTINCT route FROM tally) r WHERE
			(SELECT coalesce(sum(n), 0) FROM tally t WHERE t.route = r.route AND what = 'stored')
			<> (SELECT coalesce(sum(n), 0) FROM tally t WHERE t.route = r.route AND what <> 'stored')
			+ (SELECT count(*) FROM delivery d WHERE d.route = r.route)),
		(SELECT count(*) FROM event WHERE seq NOT IN (SELECT seq FROM delivery))
			+ (SELECT count(*) FROM delivery WHERE seq NOT IN (SELECT seq FROM event))`).Scan(&unaccounted, &orphans)
	if err != nil || unaccounted != 0 || orphans != 0 {
		t.Errorf("%d routes have events that are unaccounted for, %d rows are alone: %v", unaccounted, orphans, err)
	}
}
