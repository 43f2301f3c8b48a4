package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	_ "modernc.org/sqlite" // the driver
)

const (
	// readers is the number of connections that read at the same time.
	readers = 4
	// busyTimeout is the time in milliseconds that a statement waits for the locks of other processes.
	busyTimeout = 10_000
	fileName    = "journal.db"
)

// Config describes a Store.
type Config struct {
	Dir      string        // of the file journal.db; it is created
	Keep     time.Duration // age of the oldest events; 0: no limit
	MaxBytes int64         // of the file; the oldest events make room; 0: no limit
	Sources  map[string]SourceConfig
}

// SourceConfig describes the events of one source, where it differs from others.
type SourceConfig struct {
	NoBodies bool          // neither headers nor bodies are kept, and neither can be searched
	Keep     time.Duration // age of the oldest events, if it is shorter than Config.Keep; 0: as Config.Keep
}

// Store keeps a journal in an SQLite file, which one process has open. One connection writes, and others read meanwhile.
type Store struct {
	cfg     Config
	log     *zap.Logger
	lock    *lock
	read    *sql.DB
	queries queries
	pack    *packer

	mu    sync.Mutex // of the writer
	write *writer

	changes changes
	metrics *storeMetrics
}

// Open opens the journal in a folder, or creates it. Its errors are ErrDamaged, ErrForeign, and those of the file system. They name the next step,
// and leave the file as it is.
func Open(cfg Config, reg prometheus.Registerer, log *zap.Logger) (_ *Store, err error) {
	s := &Store{cfg: cfg, log: log}
	s.changes.next = make(chan struct{})
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open the journal in %s: %w", cfg.Dir, err), s.close())
		}
	}()
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, err
	}
	if err = os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, fileName)
	if s.lock, err = takeLock(path); err != nil {
		return nil, err
	}
	if err = makeFile(path); err != nil {
		return nil, err
	}
	if s.read, err = openDB(path, "query_only(1)"); err != nil {
		return nil, err
	}
	if s.metrics, err = newStoreMetrics(reg, s); err != nil {
		return nil, err
	}
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	found, err := schemaVersion(context.Background(), s.read)
	if err != nil {
		return nil, err
	}
	if s.write, err = openWriter(path, s.read, cfg, found); err != nil {
		return nil, err
	}
	s.pack = s.write.pack
	if err = prepare(context.Background(), s.read, s.queries.all()); err != nil {
		return nil, err
	}
	return s, nil
}

// makeFile creates an empty file that other users cannot read, because events can hold personal data.
func makeFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// openDB opens path with the pragmas. The first pragma waits for locks, because the others may need one.
func openDB(path string, pragmas ...string) (*sql.DB, error) {
	query := url.Values{"_pragma": append([]string{fmt.Sprintf("busy_timeout(%d)", busyTimeout)}, pragmas...)}
	return sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String())
}

// Close closes the file. Call it once, when no other call is in progress.
func (s *Store) Close() error { return s.close() }

func (s *Store) close() error {
	var errs []error
	if s.read != nil {
		errs = append(errs, closeAll(s.queries.all()), s.read.Close())
	}
	if s.write != nil {
		errs = append(errs, s.write.close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.release())
	}
	return errors.Join(errs...)
}

// changes tells about commits.
type changes struct {
	mu   sync.Mutex
	next chan struct{}
}

// Changed returns a channel that is closed by the next commit of records.
func (s *Store) Changed() <-chan struct{} {
	s.changes.mu.Lock()
	defer s.changes.mu.Unlock()
	return s.changes.next
}

func (c *changes) tell() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.next)
	c.next = make(chan struct{})
}
