package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/hookline/hookline/broker"
)

const (
	// readers is the number of connections that read at the same time.
	readers = 4
	// quickPages is the number of pages that are checked in some 50 ms: 32 MiB.
	quickPages = 8 << 10
	// busyTimeout is the time in milliseconds that a statement waits for the locks of other processes.
	busyTimeout = 10_000
	// retryName is the queue of all waiting retries. They wait in one place here, for every delay.
	retryName = "hookline.retry"
)

// store is an open database: one connection that writes, and others that only read.
type store struct {
	undelivered
	auditor
	cfg        Config
	matcher    *broker.Matcher
	read       *sql.DB
	queries    *queries
	write      *writer
	checkLater bool // the file is too large to be checked before the broker works
}

// makeFile creates an empty file that other users cannot read, because events can hold personal data.
func makeFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("cannot be written; give this user write access to the file and its folder: %w", err)
	}
	return f.Close()
}

// openStore opens the existing database at cfg.Path. The process that runs the broker also checks it, and upgrades its schema.
func openStore(cfg Config, runs bool) (_ *store, err error) {
	ctx := context.Background()
	path, err := filepath.Abs(cfg.Path)
	if err != nil {
		return nil, err
	}
	s := &store{cfg: cfg, matcher: broker.NewMatcher(cfg.Routes), queries: &queries{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.read, err = openDB(path, "query_only(1)"); err != nil {
		return nil, err
	}
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	found, err := schemaVersion(ctx, s.read)
	switch {
	case err != nil:
		return nil, err
	case found == 0 && !runs:
		return nil, errNoFile
	case found < version && !runs:
		return nil, errOldFile
	case runs:
		if err = s.check(ctx); err != nil {
			return nil, err
		}
	}
	if s.write, err = openWriter(ctx, path, cfg, found); err != nil {
		return nil, err
	}
	go s.write.run()
	if err = prepare(ctx, s.read, s.queries.all()); err != nil {
		return nil, err
	}
	s.undelivered = undelivered{s.queries, s.matcher, s.write}
	s.auditor = auditor{s.queries, cfg}
	return s, nil
}

// openDB opens path with the pragmas. The first pragma waits for locks, because the others may need one.
func openDB(path string, pragmas ...string) (*sql.DB, error) {
	query := url.Values{"_pragma": append([]string{fmt.Sprintf("busy_timeout(%d)", busyTimeout)}, pragmas...)}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return db, nil
}

// check reads the whole file, to find damage before it does harm. It leaves a large file for later, because that takes long.
func (s *store) check(ctx context.Context) error {
	if !s.cfg.CheckFirst {
		var used int
		if err := s.read.QueryRowContext(ctx, usedPages).Scan(&used); err != nil {
			return explain(err)
		}
		if used > quickPages {
			s.checkLater = true
			return nil
		}
	}
	return checkIntegrity(ctx, s.read)
}

// checkIntegrity reads the whole database, and returns ErrDamaged if its structure or an event is damaged.
func checkIntegrity(ctx context.Context, db *sql.DB) error {
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found); err != nil {
		return explain(err)
	}
	if found != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, found)
	}
	if !hasChecksums(ctx, db) {
		return nil
	}
	for _, err := range readableEvents(ctx, db) {
		if err != nil {
			return err
		}
	}
	return nil
}

// isWaiting reports whether a delivery at a place still waits.
func (s *store) isWaiting(p place) (waiting bool, err error) {
	err = s.read.QueryRowContext(context.Background(), `SELECT EXISTS
		(SELECT 1 FROM delivery WHERE state = 'work' AND route = ? AND at = ? AND seq = ?)`, p.route, p.at, p.seq).Scan(&waiting)
	return waiting, explain(err)
}

// Queues implements broker.Inspector. It lists the work and dead queues of every route that is configured or still has events, the
// waiting retries, and the unrouted events. In another process than the broker's own, deliveries that workers handle count as waiting,
// and consumers are unseen.
func (s *store) Queues(ctx context.Context) ([]broker.QueueInfo, error) {
	found, err := s.queries.count.QueryContext(ctx, time.Now().UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("count events: %w", explain(err))
	}
	defer found.Close()
	work, dead := map[string]int{}, map[string]int{}
	for _, r := range s.cfg.Routes {
		work[r.Name], dead[r.Name] = 0, 0
	}
	retries, unrouted := 0, 0
	for found.Next() {
		var state, route string
		var n, later int
		if err := found.Scan(&state, &route, &n, &later); err != nil {
			return nil, fmt.Errorf("count events: %w", explain(err))
		}
		switch state {
		case stateUnrouted:
			unrouted += n
		case stateDead:
			work[route] += 0
			dead[route] += n
		default:
			work[route] += n - later
			retries += later
		}
	}
	if err := found.Err(); err != nil {
		return nil, fmt.Errorf("count events: %w", explain(err))
	}
	var all []broker.QueueInfo
	for _, route := range slices.Sorted(maps.Keys(work)) {
		all = append(all,
			broker.QueueInfo{Name: broker.WorkQueue(route), Role: broker.RoleWork, Route: route, Waiting: work[route], Consumers: broker.Unseen},
			broker.QueueInfo{Name: broker.DeadQueue(route), Role: broker.RoleDead, Route: route, Waiting: dead[route]})
	}
	return append(all,
		broker.QueueInfo{Name: retryName, Role: broker.RoleRetry, Waiting: retries},
		broker.QueueInfo{Name: broker.UnroutedQueue, Role: broker.RoleUnrouted, Waiting: unrouted}), nil
}

// Oldest returns the time of the waiting event that was stored first, and the zero time if none waits. It takes the same time for any
// number of waiting events.
func (s *store) Oldest(ctx context.Context) (time.Time, error) {
	return oldest(ctx, s.queries.oldest)
}

// OldestUnrefused returns the time of the oldest event that waits on a route and whose last attempt, if there was one, did not fail for the
// reason "refused". It returns the zero time if there is none.
func (s *store) OldestUnrefused(ctx context.Context, route string) (time.Time, error) {
	return oldest(ctx, s.queries.oldestUnrefused, route)
}

func oldest(ctx context.Context, stmt *sql.Stmt, args ...any) (time.Time, error) {
	var millis int64
	if err := stmt.QueryRowContext(ctx, args...).Scan(&millis); err != nil {
		return time.Time{}, fmt.Errorf("read the oldest event: %w", explain(err))
	}
	if millis < 0 {
		return time.Time{}, nil
	}
	return time.UnixMilli(millis).UTC(), nil
}

// Size returns the number of deliveries that wait, the number of dead letters, and the bytes in use of the database file: some ten
// thousand without events. It counts one by one.
func (s *store) Size(ctx context.Context) (waiting, dead int, bytes int64, err error) {
	if err := s.queries.size.QueryRowContext(ctx).Scan(&waiting, &dead, &bytes); err != nil {
		return 0, 0, 0, fmt.Errorf("read the size: %w", explain(err))
	}
	return waiting, dead, bytes * pageSize, nil
}

// Sources returns the number of events of each source, in any state. It counts one by one.
func (s *store) Sources(ctx context.Context) (map[string]int64, error) {
	found, err := s.queries.sources.QueryContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("count events by source: %w", explain(err))
	}
	defer found.Close()
	events := map[string]int64{}
	for found.Next() {
		var source string
		var n int64
		if err := found.Scan(&source, &n); err != nil {
			return nil, fmt.Errorf("count events by source: %w", explain(err))
		}
		events[source] = n
	}
	return events, explain(found.Err())
}

// close closes the connections, the writer's last: SQLite then copies the write-ahead log into the file.
func (s *store) close() error {
	var errs []error
	if s.read != nil {
		errs = append(errs, closeAll(s.queries.all()), s.read.Close())
	}
	if s.write != nil {
		errs = append(errs, s.write.close())
	}
	return errors.Join(errs...)
}
