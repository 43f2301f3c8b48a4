package embedded

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/hookline/hookline/broker"
)

const (
	// MaxLog is the size in bytes that a write-ahead log may have besides Config.MaxBytes. SQLite shrinks the log to it when all of the
	// log is in the database.
	MaxLog = 64 << 20
	// shrinkPause is the shortest time between two tries to shrink a log.
	shrinkPause = time.Second
	// shrinkWait is the time in milliseconds that a try waits for readers. New events wait as long.
	shrinkWait = 250
)

func logPath(database string) string { return database + "-wal" }

// logSize knows the size of the write-ahead log. SQLite cannot begin the log anew while a program reads the database, so that the log
// grows until the reader ends.
type logSize struct {
	path string
	next time.Time // of the next try to shrink the log
}

// excess returns the number of bytes beyond MaxLog.
func (l *logSize) excess() int64 {
	info, err := os.Stat(l.path)
	if err != nil {
		return 0 // openFiles.check returns the error
	}
	return max(0, info.Size()-MaxLog)
}

// shrink moves the log into the database, unless it tried lately. A reader can keep it from that.
func (l *logSize) shrink(exec func(query string)) {
	if now := time.Now(); now.After(l.next) {
		l.next = now.Add(shrinkPause)
		exec(fmt.Sprintf("PRAGMA busy_timeout = %d", shrinkWait))
		exec("PRAGMA wal_checkpoint(TRUNCATE)")
		exec(fmt.Sprintf("PRAGMA busy_timeout = %d", busyTimeout))
	}
}

// free returns the number of bytes that new events can take, and the error for events that are larger. It shrinks the write-ahead log
// if there is no room for an event of the size need.
func (w *writer) free(need int64) (int64, error) {
	if damage := w.damage.Load(); damage != nil {
		return 0, fmt.Errorf("%w: %w", broker.ErrRefused, *damage)
	}
	if err := w.files.check(); err != nil {
		return 0, err
	}
	var used int64
	if err := w.sql.used.QueryRowContext(context.Background()).Scan(&used); err != nil {
		used = 0 // the transaction will return the error
	}
	room, excess := w.room-used*pageSize, w.log.excess()
	if excess > 0 && room-excess < need {
		w.log.shrink(func(query string) { _, _ = w.conn.ExecContext(context.Background(), query) }) // a failure leaves the log as it is
		excess = w.log.excess()
	}
	if excess > 0 {
		return room - excess, fmt.Errorf("%w: the write-ahead log %s has %d bytes, because a program has the database open for reading; end it: `fuser -v %s` names it",
			broker.ErrBlocked, w.log.path, excess+MaxLog, w.log.path)
	}
	return room, fmt.Errorf("%w: the database has its largest size; let the workers empty it, discard dead letters, or raise its limit", broker.ErrBlocked)
}
