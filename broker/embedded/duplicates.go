package embedded

import (
	"context"
	"database/sql"
	"encoding/binary"
	"time"

	"github.com/hookline/hookline/broker"
)

const (
	// fingerprintBytes is the size of a fingerprint in the table seen: itself, and the time of the event in milliseconds since 1970.
	fingerprintBytes = len(broker.Fingerprint{}) + 8
	// bytesPerEvent of Config.MaxBytes allow to remember one event.
	bytesPerEvent = 1 << 10
)

// duplicates remembers stored events: in memory for queries, and in the table seen for the next process. Only the writer uses it.
type duplicates struct {
	*broker.RecentEvents
	pruned time.Time // the table has nothing older
}

// loadDuplicates reads the table.
func loadDuplicates(ctx context.Context, conn *sql.Conn, cfg Config) (*duplicates, error) {
	d := &duplicates{RecentEvents: broker.NewRecentEvents(cfg.Duplicates, int(min(broker.MaxRecentEvents, cfg.MaxBytes/bytesPerEvent)))}
	found, err := conn.QueryContext(ctx, "SELECT marks FROM seen ORDER BY rowid")
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		var packed []byte
		if err := found.Scan(&packed); err != nil {
			return nil, err
		}
		for ; len(packed) >= fingerprintBytes; packed = packed[fingerprintBytes:] {
			at := int64(binary.BigEndian.Uint64(packed[len(broker.Fingerprint{}):])) //nolint:gosec // writeFingerprints wrote an int64
			d.Add(broker.Fingerprint(packed), time.UnixMilli(at))
		}
	}
	return d, found.Err()
}

// add remembers the events of a committed transaction.
func (d *duplicates) add(events map[broker.Fingerprint]time.Time) {
	if len(events) == 0 {
		return
	}
	d.pruned = d.Since() // as it was when the fingerprints were written
	for fingerprint, at := range events {
		d.Add(fingerprint, at)
	}
}
