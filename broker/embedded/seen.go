package embedded

import (
	"context"
	"database/sql"
	"encoding/binary"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

const (
	// markBytes is a mark in the table seen: itself, and when the event was taken in milliseconds since 1970.
	markBytes = len(broker.Fingerprint{}) + 8
	// bytesPerMark of the file's full size are worth remembering one event.
	bytesPerMark = 1 << 10
)

// seen is what the line remembers of the events that it stored: in memory to be asked, in the table of that name to
// outlive the process. Only the writer uses it.
type seen struct {
	*broker.RecentEvents
	pruned time.Time // nothing in the table is from before
}

// loadSeen reads the table.
func loadSeen(ctx context.Context, conn *sql.Conn, cfg Config) (*seen, error) {
	s := &seen{RecentEvents: broker.NewRecentEvents(cfg.Duplicates, int(min(broker.MaxRecentEvents, cfg.MaxBytes/bytesPerMark)))}
	found, err := conn.QueryContext(ctx, "SELECT marks FROM seen ORDER BY rowid")
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		var marks []byte
		if err := found.Scan(&marks); err != nil {
			return nil, err
		}
		for ; len(marks) >= markBytes; marks = marks[markBytes:] {
			at := int64(binary.BigEndian.Uint64(marks[len(broker.Fingerprint{}):])) //nolint:gosec // it was written as this
			s.Add(broker.Fingerprint(marks), time.UnixMilli(at))
		}
	}
	return s, found.Err()
}

// add remembers the events of a transaction that is on the disk.
func (s *seen) add(marks map[broker.Fingerprint]time.Time) {
	if len(marks) == 0 {
		return
	}
	s.pruned = s.Since() // as it was when the marks were written
	for mark, at := range marks {
		s.Add(mark, at)
	}
}

// insertOnce stores an event as insert does, or finds that it is a repeat.
func insertOnce(e event.Event, routes []string, repeat *bool) *op {
	o, mark := insert(e, routes), broker.FingerprintOf(e)
	return newOp(o.size, func(tx *transaction) error {
		if *repeat = tx.repeats(mark, e.Time); *repeat {
			return nil
		}
		return o.apply(tx)
	})
}

// repeats tells whether an event was stored before, or in this transaction. If not, it is from now on.
func (tx *transaction) repeats(mark broker.Fingerprint, at time.Time) bool {
	if tx.seen == nil {
		return false
	}
	if _, twice := tx.marks[mark]; twice || tx.seen.Has(mark, at) {
		return true
	}
	tx.marks[mark] = at
	return false
}

// writeMarks adds a row with the marks of this transaction to the table, and takes away what was forgotten.
func (tx *transaction) writeMarks() error {
	if len(tx.marks) == 0 {
		return nil
	}
	var latest int64
	packed := make([]byte, 0, len(tx.marks)*markBytes)
	for mark, at := range tx.marks {
		latest = max(latest, at.UnixMilli())
		packed = binary.BigEndian.AppendUint64(append(packed, mark[:]...), uint64(at.UnixMilli())) //nolint:gosec // read back as this
	}
	if _, err := tx.exec(tx.sql.seen, latest, packed); err != nil {
		return err
	}
	since := tx.seen.Since()
	if since.Equal(tx.seen.pruned) {
		return nil
	}
	_, err := tx.exec(tx.sql.unsee, since.UnixMilli())
	return err
}
