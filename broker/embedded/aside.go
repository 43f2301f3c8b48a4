package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/hookline/hookline/pkg/event"
)

// RenameDamaged renames a database that Open found to be ErrDamaged, together with its write-ahead log, so that a new one can
// be begun at path and nothing is thrown away. It returns the new name. It fails if a process runs the line.
func RenameDamaged(path string, now time.Time) (string, error) {
	lock, err := takeLock(path)
	if err != nil {
		return "", fmt.Errorf("line %s: %w", path, err)
	}
	name := path + ".damaged-" + now.UTC().Format("20060102T150405.000Z")
	var errs []error
	for _, suffix := range []string{"-wal", "-shm", ""} { // the database last: without it, its log would be taken for the new one's
		if err := os.Rename(path+suffix, name+suffix); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return name, errors.Join(append(errs, lock.release())...)
}

// Salvage stores again what can be read of a database that was set aside, in its order and in one transaction, and returns how many
// events those were. Reading ends at the first damage, which is then the error; the file keeps what is behind it.
func (b *Broker) Salvage(ctx context.Context, aside string) (n int, err error) {
	path, err := filepath.Abs(aside)
	if err != nil {
		return 0, err
	}
	db, err := openDB(path, "query_only(1)", "writable_schema(1)") // the second lets SQLite read a file that lacks its end
	if err != nil {
		return 0, err
	}
	defer db.Close()
	var damage error
	err = b.write.do(ctx, newOp(0, func(tx *transaction) error {
		n, damage = 0, nil
		for e, err := range events(ctx, db) {
			if damage = err; err != nil {
				break
			}
			if err := insert(e, b.matcher.Match(e.Key())).apply(tx); err != nil {
				return err
			}
			n++
		}
		return nil
	}))
	if err != nil {
		return 0, fmt.Errorf("line %s: %w", b.cfg.Path, err)
	}
	return n, damage
}

// events reads all events of a database until one cannot be read.
func events(ctx context.Context, db *sql.DB) iter.Seq2[event.Event, error] {
	return func(yield func(event.Event, error) bool) {
		found, err := db.QueryContext(ctx, "SELECT "+eventColumns+" FROM event e ORDER BY seq")
		if err != nil {
			yield(event.Event{}, explain(err))
			return
		}
		defer found.Close()
		for found.Next() {
			if e, err := scanEvent(found); !yield(e, err) {
				return
			}
		}
		if err := found.Err(); err != nil {
			yield(event.Event{}, explain(err))
		}
	}
}
