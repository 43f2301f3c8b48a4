// Package jobs lets people act on many events: a plan says what would be done, a job does it, and a log keeps who did what.
//
// A plan has a frozen list of targets. A job takes its targets in chunks: it marks a chunk in its database before it acts on it. After a
// crash it looks at the broker for the marked targets: those that are still there have their turn again. So a crash can give an event to
// its route twice, and leaves none out.
package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	_ "modernc.org/sqlite" // the driver of the database
)

// Errors of Jobs.
var (
	// ErrNotFound reports that no plan or job has the ID. A plan is kept for PlanKept.
	ErrNotFound = errors.New("no such plan or job")
	// ErrState reports that a plan or job cannot do this in its present state. The error's text says why.
	ErrState = errors.New("not possible now")
	// ErrRequest reports a plan or a start that is asked for wrongly. The error's text says how.
	ErrRequest = errors.New("wrongly asked for")
)

// Jobs keeps plans, jobs and the log in the file console.db. It is safe for concurrent use, also by several processes.
type Jobs struct {
	parts       Parts
	path        string
	write, read *sql.DB

	mu      sync.Mutex
	changed chan struct{}
}

// Open opens console.db in a folder, and creates both if they are missing, readable for the owner only.
func Open(dir string, parts Parts) (_ *Jobs, err error) {
	parts.complete()
	path, err := filepath.Abs(filepath.Join(dir, "console.db"))
	if err != nil {
		return nil, fmt.Errorf("open the jobs: %w", err)
	}
	j := &Jobs{parts: parts, path: path, changed: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("jobs: %s: %w", path, err), j.Close())
		}
	}()
	if err := makeFile(path); err != nil {
		return nil, err
	}
	if j.write, err = openDB(path, "immediate"); err != nil {
		return nil, err
	}
	j.write.SetMaxOpenConns(1)
	if err := j.change(context.Background(), func(tx *sql.Tx) error { return upgrade(context.Background(), tx) }); err != nil {
		return nil, err
	}
	if j.read, err = openDB(path, "deferred", "query_only(1)"); err != nil {
		return nil, err
	}
	return j, nil
}

// makeFile creates an empty file that other users cannot read, because IDs of events can be personal.
func makeFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("its folder cannot be made; give this user write access: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("cannot be written; give this user write access to the file and its folder: %w", err)
	}
	return f.Close()
}

// openDB opens a pool of connections. Each commit is on the disk when it returns, because an act follows it.
func openDB(path, lock string, pragmas ...string) (*sql.DB, error) {
	query := url.Values{"_txlock": {lock}, "_pragma": append([]string{"busy_timeout(10000)", "journal_mode(wal)", "synchronous(full)"}, pragmas...)}
	return sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String())
}

// Close closes the database. Call it when Run has returned.
func (j *Jobs) Close() error {
	var errs []error
	for _, db := range []*sql.DB{j.read, j.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// Changed returns a channel that is closed at the next change of a plan, a job or the log. While Run runs, it also tells of the changes of
// other processes.
func (j *Jobs) Changed() <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.changed
}

func (j *Jobs) announce() {
	j.mu.Lock()
	defer j.mu.Unlock()
	close(j.changed)
	j.changed = make(chan struct{})
}

// change runs fn in one transaction that writes, and announces it.
func (j *Jobs) change(ctx context.Context, fn func(tx *sql.Tx) error) error {
	tx, err := j.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("write to the jobs: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
	if err := fn(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("write to the jobs: %w", err)
	}
	j.announce()
	return nil
}

// changeIf runs one statement, and announces a change if there was one.
func (j *Jobs) changeIf(ctx context.Context, statement string, args ...any) error {
	result, err := j.write.ExecContext(ctx, statement, args...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	j.announce()
	return nil
}
