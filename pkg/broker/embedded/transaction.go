package embedded

import (
	"context"
	"database/sql"

	"github.com/hookline/hookline/pkg/event"
)

// The states of a delivery.
const (
	stateWork     = "work"
	stateDead     = "dead"
	stateUnrouted = "unrouted"
)

// What is tallied.
const (
	tallyStored    = "stored"
	tallyDone      = "done"
	tallyDiscarded = "discarded"
)

// tally names a number in the table of that name.
type tally struct{ route, what string }

// transaction is what an operation works with while its batch is written.
type transaction struct {
	sql     *statements
	seq     int64           // of the newest event
	tallies map[tally]int64 // added to the table at the end, since the operations of a batch share them
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

func (tx *transaction) writeTallies() error {
	for t, n := range tx.tallies {
		if _, err := tx.exec(tx.sql.tally, t.route, t.what, n); err != nil {
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
		for _, route := range routes {
			if _, err := tx.exec(tx.sql.delivery, state, route, tx.seq); err != nil {
				return err
			}
			tx.tallies[tally{route, tallyStored}]++
		}
		return nil
	})
}

// place is where a delivery's row is.
type place struct {
	route   string
	at, seq int64
}

// finish removes a delivery that was done.
func finish(p place) *op {
	return newOp(0, func(tx *transaction) error { return tx.remove(tx.sql.ack, p, tallyDone) })
}

// fail records an attempt that failed: the delivery waits until the time at, or is dead since then.
func fail(p place, state string, at int64, reason, text string) *op {
	return newOp(0, func(tx *transaction) error {
		_, err := tx.exec(tx.sql.fail, state, at, reason, text, p.route, p.at, p.seq)
		return err
	})
}

// replay makes dead letters work again. n is set to how many.
func replay(places []place, n *int64) *op {
	return newOp(0, func(tx *transaction) error {
		*n = 0
		for _, p := range places {
			changed, err := tx.exec(tx.sql.replay, p.route, p.at, p.seq)
			if err != nil {
				return err
			}
			*n += changed
		}
		return nil
	})
}

// discard removes dead letters. n is set to how many.
func discard(places []place, n *int64) *op {
	return newOp(0, func(tx *transaction) error {
		before := tx.tallies[tally{places[0].route, tallyDiscarded}]
		for _, p := range places {
			if err := tx.remove(tx.sql.discard, p, tallyDiscarded); err != nil {
				return err
			}
		}
		*n = tx.tallies[tally{places[0].route, tallyDiscarded}] - before
		return nil
	})
}

// remove deletes a delivery, and its event if it was the last one.
func (tx *transaction) remove(stmt *sql.Stmt, p place, what string) error {
	changed, err := tx.exec(stmt, p.route, p.at, p.seq)
	if err != nil {
		return err
	}
	tx.tallies[tally{p.route, what}] += changed
	_, err = tx.exec(tx.sql.forget, p.seq)
	return err
}

// markRunning writes whether a process runs the line. With a size, it shows that a new event could be stored now.
func markRunning(running bool, size int64) *op {
	return newOp(size, func(tx *transaction) error {
		_, err := tx.exec(tx.sql.running, running)
		return err
	})
}
