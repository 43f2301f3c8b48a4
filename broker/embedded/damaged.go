package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"time"

	"github.com/hookline/hookline/pkg/event"
)

// RenameDamaged renames a database for which Open returned ErrDamaged, together with its write-ahead log, so that Open can create a new one
// at path. It returns the new name. It fails if a process runs the broker.
func RenameDamaged(path string, now time.Time) (string, error) { return setAside(path, "damaged", now) }

// setAside renames a database together with its write-ahead log, and returns the new name, which holds the reason.
func setAside(path, reason string, now time.Time) (string, error) {
	lock, err := takeLock(path)
	if err != nil {
		return "", fmt.Errorf("broker %s: %w", path, err)
	}
	name := path + "." + reason + "-" + now.UTC().Format("20060102T150405.000Z")
	var errs []error
	for _, suffix := range []string{"-wal", "-shm", ""} { // the database last: a new database would use a log that is left under this name
		if err := os.Rename(path+suffix, name+suffix); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return name, errors.Join(append(errs, lock.release())...)
}

// readableEvents reads the events of a database up to the first one that cannot be read. An event that differs from its checksum is
// errChecksum, and those behind it follow.
func readableEvents(ctx context.Context, db *sql.DB) iter.Seq2[event.Event, error] {
	return func(yield func(event.Event, error) bool) {
		sumColumn := fmt.Sprint(noChecksum)
		if hasChecksums(ctx, db) {
			sumColumn = "e.checksum"
		}
		found, err := db.QueryContext(ctx, "SELECT "+sumColumn+", "+eventColumns+" FROM event e ORDER BY seq")
		if err != nil {
			yield(event.Event{}, explain(err))
			return
		}
		defer found.Close()
		for found.Next() {
			var sum int64
			e, err := scanEvent(found, &sum)
			if err == nil && sum != noChecksum && sum != checksum(e) {
				err = errChecksum
			}
			if !yield(e, err) {
				return
			}
		}
		if err := found.Err(); err != nil {
			yield(event.Event{}, explain(err))
		}
	}
}

// hasChecksums reports whether a database has the column of the checksums. A new database, and one of an older version, lacks it.
func hasChecksums(ctx context.Context, db *sql.DB) bool {
	var found bool
	err := db.QueryRowContext(ctx, "SELECT count(*) > 0 FROM pragma_table_info('event') WHERE name = 'checksum'").Scan(&found)
	return err == nil && found
}
