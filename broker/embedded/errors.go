package embedded

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/hookline/hookline/broker"
)

// ErrDamaged says that a file is no database any more, and what to do with it. See RenameDamaged.
var ErrDamaged = errors.New("is damaged; it was left as it is. Put a backup in its place, or move it away to start with an empty line")

// errNoLine says what to do where there is nothing to attach to.
var errNoLine = errors.New("there is none yet; start `hookline run` first, or come to the folder that it was started in, which a relative data is below")

// errOldLine says what to do with a line that no process of this version has run yet.
var errOldLine = errors.New("was written by an earlier Hookline; start `hookline run` of this version once, which brings it up to date")

// code is SQLite's primary result code of err, and 0 if it is not SQLite's.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// explain puts what a person can do before SQLite's words.
func explain(err error) error {
	switch code(err) {
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return fmt.Errorf("cannot be written; give this user write access to the file and its folder: %w", err)
	case sqlite3.SQLITE_BUSY:
		return fmt.Errorf("is held by another process; end the transaction that it has open: %w", err)
	}
	return err
}

// refused turns the error of a transaction into the line's.
func refused(err error) error {
	if code(err) == sqlite3.SQLITE_FULL {
		return fmt.Errorf("%w: %w", broker.ErrBlocked, err)
	}
	return fmt.Errorf("%w: %w", broker.ErrRefused, explain(err))
}
