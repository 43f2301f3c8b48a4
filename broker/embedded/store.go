package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/hookline/hookline/broker"
)

// readers is how many connections read at the same time.
const readers = 4

// store is an open database: one connection that writes, and others that only read.
type store struct {
	cfg     Config
	matcher *broker.Matcher
	read    *sql.DB
	queries queries
	write   *writer
	later   bool // the file is checked beside the work
}

// makeFile makes an empty file, closed to other users: events can hold personal data.
func makeFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("cannot be written; give this user write access to the file and its folder: %w", err)
	}
	return f.Close()
}

// openStore opens the database at cfg.Path, which exists. The process that runs the line looks for damage, and brings the schema up to date.
func openStore(cfg Config, runs bool) (_ *store, err error) {
	ctx := context.Background()
	path, err := filepath.Abs(cfg.Path)
	if err != nil {
		return nil, err
	}
	s := &store{cfg: cfg, matcher: broker.NewMatcher(cfg.Routes)}
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
	found, err := checkOurs(ctx, s.read)
	switch {
	case err != nil:
		return nil, err
	case found == 0 && !runs:
		return nil, errNoLine
	case found < version && !runs:
		return nil, errOldLine
	case runs:
		if err = s.checkFirst(ctx); err != nil {
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
	return s, nil
}

// openDB opens path with the pragmas. The first one is to wait for a lock, since the others may need it.
func openDB(path string, pragmas ...string) (*sql.DB, error) {
	query := url.Values{"_pragma": append([]string{"busy_timeout(10000)"}, pragmas...)}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return db, nil
}

// waits tells whether a delivery that was being handled is still to be done.
func (s *store) waits(p place) (there bool, err error) {
	err = s.read.QueryRowContext(context.Background(), `SELECT EXISTS
		(SELECT 1 FROM delivery WHERE state = 'work' AND route = ? AND at = ? AND seq = ?)`, p.route, p.at, p.seq).Scan(&there)
	return there, explain(err)
}

// close closes what is open, the writer last: SQLite then folds the log into the file.
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
