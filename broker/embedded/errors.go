package embedded

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/hookline/hookline/broker"
)

// ErrDamaged reports that a file is a damaged database, and left unchanged. RenameDamaged makes room for a new one.
var ErrDamaged = errors.New("is damaged; it was left unchanged. Replace it by a backup, or move it away to start with an empty broker")

// errNoFile reports that there is no broker to attach to.
var errNoFile = errors.New("does not exist yet; start `hookline run` first, or change to the folder in which it was started, because a relative data folder is below that one")

// errOldFile reports that no process of this version has run the broker yet.
var errOldFile = errors.New("was written by an earlier Hookline; start `hookline run` of this version once, which upgrades it")

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
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return fmt.Errorf("cannot be written; give this user write access to the file and its folder: %w", err)
	case sqlite3.SQLITE_BUSY:
		return fmt.Errorf("is locked by another process; end its open transaction: %w", err)
	}
	return err
}

// refused returns the error of a transaction as an error of package broker.
func refused(err error) error {
	if code(err) == sqlite3.SQLITE_FULL {
		return fmt.Errorf("%w: %w", broker.ErrBlocked, err)
	}
	return fmt.Errorf("%w: %w", broker.ErrRefused, explain(err))
}
