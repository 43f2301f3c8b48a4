package embedded

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// The states of a delivery.
const (
	stateWork     = "work"
	stateDead     = "dead"
	stateUnrouted = "unrouted"
)

// Kinds of tallies by route.
const (
	tallyStored    = "stored"
	tallyDone      = "done"
	tallyDiscarded = "discarded"
)

// Kinds of tallies by source, besides those of broker.Counter.
const (
	tallyAccepted = "accepted"
	tallyUnrouted = "unrouted"
)

// tally names a number of a route or a source.
type tally struct{ name, kind string }

// transaction applies the operations of a batch.
type transaction struct {
	sql        *statements
	seq        int64                            // of the newest event
	latest     bool                             // seq is that of the file, too
	tallies    map[tally]int64                  // by route; written at the end, because the operations of a batch share them
	sources    map[tally]int64                  // by source; written at the end
	duplicates *duplicates                      // nil: duplicates are stored
	events     map[broker.Fingerprint]time.Time // new events; written at the end
}

// next makes seq that of a new event. Another process can have stored events since the last transaction.
func (tx *transaction) next() error {
	if !tx.latest {
		var seq int64
		if err := tx.sql.latest.QueryRowContext(context.Background()).Scan(&seq); err != nil {
			return err
		}
		tx.seq, tx.latest = max(tx.seq, seq), true
	}
	tx.seq++
	return nil
}

// exec runs a statement and returns the number of changed rows. It takes no context, because a transaction belongs to all senders of its
// batch, and does not end for one of them.
func (tx *transaction) exec(stmt *sql.Stmt, args ...any) (int64, error) {
	result, err := stmt.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// write writes everything that the operations of the batch share.
func (tx *transaction) write() error {
	return errors.Join(tx.writeTallies(tx.sql.tally, tx.tallies), tx.writeTallies(tx.sql.sourceTally, tx.sources), tx.writeFingerprints())
}

func (tx *transaction) writeTallies(stmt *sql.Stmt, tallies map[tally]int64) error {
	for t, n := range tallies {
		if _, err := tx.exec(stmt, t.name, t.kind, n); err != nil {
			return err
		}
	}
	return nil
}

// writeFingerprints adds a row with the fingerprints of the new events to the table seen, and deletes forgotten rows.
func (tx *transaction) writeFingerprints() error {
	if len(tx.events) == 0 {
		return nil
	}
	var latest int64
	packed := make([]byte, 0, len(tx.events)*fingerprintBytes)
	for fingerprint, at := range tx.events {
		latest = max(latest, at.UnixMilli())
		packed = binary.BigEndian.AppendUint64(append(packed, fingerprint[:]...), uint64(at.UnixMilli())) //nolint:gosec // loadDuplicates reads an int64
	}
	if _, err := tx.exec(tx.sql.seen, latest, packed); err != nil {
		return err
	}
	since := tx.duplicates.Since()
	if since.Equal(tx.duplicates.pruned) {
		return nil
	}
	_, err := tx.exec(tx.sql.unsee, since.UnixMilli())
	return err
}

// isDuplicate reports whether an event was stored before, or in this transaction. It remembers the event otherwise.
func (tx *transaction) isDuplicate(fingerprint broker.Fingerprint, at time.Time) bool {
	if tx.duplicates == nil {
		return false
	}
	if _, found := tx.events[fingerprint]; found || tx.duplicates.Has(fingerprint, at) {
		return true
	}
	tx.events[fingerprint] = at
	return false
}

// rowBytes is about the size of an event's rows besides its own bytes: keys, indexes, and partly filled pages.
const rowBytes = 512

// insert stores an event with a delivery for each route, or as unrouted.
func insert(e event.Event, routes []string) *op { return insertEvent(e, routes, false) }

// insertAgain stores an event with a delivery for each route, and does not count it for its source.
func insertAgain(e event.Event, routes []string) *op { return insertEvent(e, routes, true) }

func insertEvent(e event.Event, routes []string, again bool) *op {
	header, state := formatHeader(e.Header), stateWork
	if len(routes) == 0 {
		routes, state = []string{""}, stateUnrouted
	}
	data := e.Data
	if data == nil {
		data = []byte{} // nil would be NULL
	}
	sum := checksum(e)
	size := int64(len(data) + len(header) + len(e.ContentType) + rowBytes*(1+len(routes)))
	return newOp(size, func(tx *transaction) error {
		if err := tx.next(); err != nil {
			return err
		}
		if _, err := tx.exec(tx.sql.event, tx.seq, e.ID, e.Source, e.Action, e.Time.UnixMilli(), e.ContentType, header, data, sum); err != nil {
			return err
		}
		if again {
			return tx.deliver(tx.seq, state, routes, "")
		}
		tx.sources[tally{e.Source, tallyAccepted}]++
		if state == stateUnrouted {
			tx.sources[tally{e.Source, tallyUnrouted}]++
		}
		id := ""
		if state == stateUnrouted {
			id = e.ID
		}
		return tx.deliver(tx.seq, state, routes, id)
	})
}

// deliver adds a delivery of an event for each route. id is the event's ID if it is undelivered, otherwise "".
func (tx *transaction) deliver(seq int64, state string, routes []string, id string) error {
	for _, route := range routes {
		if _, err := tx.exec(tx.sql.delivery, state, route, seq, id); err != nil {
			return err
		}
		tx.tallies[tally{route, tallyStored}]++
	}
	return nil
}

// insertOnce stores an event as insert does, or sets duplicate.
func insertOnce(e event.Event, routes []string, duplicate *bool) *op {
	o, fingerprint := insert(e, routes), broker.FingerprintOf(e)
	return newOp(o.size, func(tx *transaction) error {
		if *duplicate = tx.isDuplicate(fingerprint, e.Time); *duplicate {
			return nil
		}
		return o.apply(tx)
	})
}

// place is the rest of a delivery's primary key, besides its state.
type place struct {
	route   string
	at, seq int64
}

// settlement returns the change of a delivery after an outcome, and nil if there is none.
func settlement(out broker.Outcome, p place) *op {
	switch out.Verdict {
	case broker.VerdictAck:
		return finish(p)
	case broker.VerdictRetry:
		if to, ok := out.Err.(moveTo); ok { //nolint:errorlint // MoveTo makes it, and nobody wraps it
			return move(p, to.queues)
		}
		return fail(p, stateWork, dueAfter(out.After), out.Reason, broker.ErrorText(out.Err))
	case broker.VerdictPostpone:
		return postpone(p, dueAfter(out.After))
	case broker.VerdictDead:
		return fail(p, stateDead, time.Now().UnixMilli(), out.Reason, broker.ErrorText(out.Err))
	default:
		return nil
	}
}

// dueAfter returns the time after a delay in milliseconds since 1970, rounded up, so that no delivery is early.
func dueAfter(delay time.Duration) int64 {
	return time.Now().Add(max(delay, 0)).Add(time.Millisecond - 1).UnixMilli()
}

// finish removes a done delivery.
func finish(p place) *op {
	return newOp(0, func(tx *transaction) error {
		_, err := tx.remove(stateWork, p, tallyDone)
		return err
	})
}

// fail records a failed attempt: the delivery waits until the time at, or died at it.
func fail(p place, state string, at int64, reason, text string) *op {
	return newOp(0, func(tx *transaction) error {
		_, err := tx.exec(tx.sql.fail, state, at, reason, text, p.route, p.at, p.seq)
		return err
	})
}

// postpone lets a delivery wait until the time at. It counts no attempt.
func postpone(p place, at int64) *op {
	return newOp(0, func(tx *transaction) error {
		_, err := tx.exec(tx.sql.postpone, at, p.route, p.at, p.seq)
		return err
	})
}

// replay makes a dead letter work again, and returns the number of rows that it found.
func (tx *transaction) replay(r row) (int64, error) {
	return tx.exec(tx.sql.replay, r.route, r.at, r.seq)
}

// reroute delivers an unrouted event to routes, and returns the number of rows that it found.
func (tx *transaction) reroute(r row, routes []string) (int64, error) {
	found, err := tx.exec(tx.sql.remove, stateUnrouted, r.route, r.at, r.seq)
	if err != nil || found == 0 {
		return 0, err
	}
	tx.tallies[tally{r.route, tallyDone}]++
	return found, tx.deliver(r.seq, stateWork, routes, "")
}

// remove deletes a delivery, and its event after its last delivery. It returns the number of rows that it found.
func (tx *transaction) remove(state string, p place, kind string) (int64, error) {
	found, err := tx.exec(tx.sql.remove, state, p.route, p.at, p.seq)
	if err != nil {
		return 0, err
	}
	tx.tallies[tally{p.route, kind}] += found
	_, err = tx.exec(tx.sql.forget, p.seq)
	return found, err
}

// probe writes without a change, to find out whether a new event could be stored now.
func probe() *op {
	return newOp(rowBytes, func(tx *transaction) error {
		_, err := tx.exec(tx.sql.probe)
		return err
	})
}
