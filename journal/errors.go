package journal

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

var (
	// ErrNotFound reports that the journal has no such event, or no longer.
	ErrNotFound = errors.New("the journal has no such event")
	// ErrBroad reports that a search asks for words with a begin that too many events have.
	ErrBroad = errors.New("too many words begin so: write more letters, or the whole word without *")
	// ErrDamaged reports that the file is damaged. It is left as it is.
	ErrDamaged = errors.New("the journal is damaged and was left unchanged. Stop Hookline and move the file away, with its -wal file: " +
		"an empty journal begins, and no event is lost by it")
	// ErrForeign reports that a file is no journal that this program can read.
	ErrForeign = errors.New("the file is no journal of this version")
	// ErrFull reports that the disk, or the size that is allowed to the journal, is full.
	ErrFull = errors.New("the journal has no space: free space on its disk, or lower its limit of bytes")
	// ErrRemoved reports that the file was removed or replaced under the running process.
	ErrRemoved = errors.New("the journal's file was removed or replaced under the running process: put it back, or restart this process to begin an empty journal")
)

// code returns the primary result code of an error of SQLite, and 0 for another error.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// explain adds advice to an error of SQLite.
func explain(err error) error {
	switch code(err) {
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR:
		return fmt.Errorf("%w: %w", ErrFull, err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return fmt.Errorf("the journal cannot be written; give this user write access to the file and its folder: %w", err)
	case sqlite3.SQLITE_BUSY:
		return fmt.Errorf("the journal is locked by another process; end its open transaction: %w", err)
	}
	return err
}
