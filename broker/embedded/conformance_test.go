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
			sqlite := openMortal(t, embedded.Config{Path: path, Routes: routes, Duplicates: brokertest.Window, RouteBytes: brokertest.RouteBytes})
			shutLast = func() { sqlite.end(t) }
			return sqlite
		}
	})
}

// mortal is a broker that can end with running work, as if its process had died.
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

// end shuts the broker unless it is dead.
func (m *mortal) end(t *testing.T) {
	if !m.dead {
		shut(t, m.Broker)
	}
}

// open opens a broker for one test.
func open(t testing.TB, cfg embedded.Config) *embedded.Broker {
	t.Helper()
	sqlite, err := embedded.Open(cfg, prometheus.NewRegistry(), zaptest.NewLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, sqlite) })
	return sqlite
}

// shut closes a broker, as its process does at a stop.
func shut(t testing.TB, sqlite *embedded.Broker) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := sqlite.Close(ctx); err != nil {
		t.Errorf("close: %v", err)
	}
}

// await polls a condition for which there is no signal.
func await(ctx context.Context, t *testing.T, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("waited in vain")
		}
	}
}

// waiting returns the number of events in the queues of a role and, unless it is "", of a route.
func waiting(t *testing.T, sqlite broker.Inspector, role broker.QueueRole, route string) (n int) {
	t.Helper()
	all, err := sqlite.Queues(t.Context())
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

// database opens the broker's file as a SQLite shell does.
func database(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// expectTallies shows that no event is unaccounted: for each route, stored events are done, discarded or in the table.
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
