package embedded

import (
	"context"
	"database/sql"
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

// What is tallied by route.
const (
	tallyStored    = "stored"
	tallyDone      = "done"
	tallyDiscarded = "discarded"
)

// What is tallied by source, besides what broker.Counter counts.
const (
	tallyAccepted = "accepted"
	tallyUnrouted = "unrouted"
)

// tally names a number in the table of a route or a source.
type tally struct{ name, what string }

// transaction is what an operation works with while its batch is written.
type transaction struct {
	sql     *statements
	seq     int64                            // of the newest event
	tallies map[tally]int64                  // by route; added to the table at the end, since the operations of a batch share them
	sources map[tally]int64                  // by source
	seen    *seen                            // nil: repeats are not looked for
	marks   map[broker.Fingerprint]time.Time // of the new events; added to the table at the end
}

// exec runs a statement and returns how many rows it changed. It takes no context: a transaction belongs to all the
// senders in it, and is not given up for one of them.
func (tx *transaction) exec(stmt *sql.Stmt, args ...any) (int64, error) {
	result, err := stmt.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (tx *transaction) write(stmt *sql.Stmt, tallies map[tally]int64) error {
	for t, n := range tallies {
		if _, err := tx.exec(stmt, t.name, t.what, n); err != nil {
			return err
		}
	}
	return nil
}

// rowBytes is about what the rows of an event take besides its own bytes: keys, indexes, and pages filled in part.
const rowBytes = 512

// insert stores an event with a delivery for each route, or as unrouted.
func insert(e event.Event, routes []string) *op {
	header, state := formatHeader(e.Header), stateWork
	if len(routes) == 0 {
		routes, state = []string{""}, stateUnrouted
	}
	data := e.Data
	if data == nil {
		data = []byte{} // nil would be NULL
	}
	size := int64(len(data) + len(header) + len(e.ContentType) + rowBytes*(1+len(routes)))
	return newOp(size, func(tx *transaction) error {
		tx.seq++
		if _, err := tx.exec(tx.sql.event, tx.seq, e.ID, e.Source, e.Action, e.Time.UnixMilli(), e.ContentType, header, data); err != nil {
			return err
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

// place is where a delivery's row is.
type place struct {
	route   string
	at, seq int64
}

// finish removes a delivery that was done.
func finish(p place) *op {
	return newOp(0, func(tx *transaction) error {
		_, err := tx.remove(stateWork, p, tallyDone)
		return err
	})
}

// fail records an attempt that failed: the delivery waits until the time at, or is dead since then.
func fail(p place, state string, at int64, reason, text string) *op {
	return newOp(0, func(tx *transaction) error {
		_, err := tx.exec(tx.sql.fail, state, at, reason, text, p.route, p.at, p.seq)
		return err
	})
}

// replay makes a dead letter work again, and returns how many it found.
func (tx *transaction) replay(r row) (int64, error) {
	return tx.exec(tx.sql.replay, r.route, r.at, r.seq)
}

// reroute gives an unrouted event to routes, and returns how many it found.
func (tx *transaction) reroute(r row, routes []string) (int64, error) {
	found, err := tx.exec(tx.sql.remove, stateUnrouted, r.route, r.at, r.seq)
	if err != nil || found == 0 {
		return 0, err
	}
	tx.tallies[tally{r.route, tallyDone}]++
	return found, tx.deliver(r.seq, stateWork, routes, "")
}

// remove deletes a delivery, and its event if it was the last one. It returns how many it found.
func (tx *transaction) remove(state string, p place, what string) (int64, error) {
	found, err := tx.exec(tx.sql.remove, state, p.route, p.at, p.seq)
	if err != nil {
		return 0, err
	}
	tx.tallies[tally{p.route, what}] += found
	_, err = tx.exec(tx.sql.forget, p.seq)
	return found, err
}

// probe changes nothing, but writes: it shows whether a new event could be stored now.
func probe() *op {
	return newOp(rowBytes, func(tx *transaction) error {
		_, err := tx.exec(tx.sql.probe)
		return err
	})
}
