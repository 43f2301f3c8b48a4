package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/hookline/hookline/broker"
)

// changeTimeout bounds the wait for one transaction.
const changeTimeout = 10 * time.Second

// undelivered implements broker.Undelivered.
type undelivered struct {
	queries *queries
	matcher *broker.Matcher
	write   *writer
}

// undeliveredState returns the state of a route's undelivered events.
func undeliveredState(route string) string {
	if route == broker.Unrouted {
		return stateUnrouted
	}
	return stateDead
}

func (r row) undelivered() broker.UndeliveredEvent {
	if r.route == broker.Unrouted {
		return broker.UndeliveredEvent{Event: r.event}
	}
	return broker.UndeliveredEvent{
		Event: r.event, Route: r.route, Reason: r.reason, Attempts: r.attempts,
		FirstError: r.firstError, LastError: r.lastError, Died: time.UnixMilli(r.at).UTC(),
	}
}

// Get implements broker.Undelivered. It finds the ID by an index.
func (u undelivered) Get(ctx context.Context, route, id string) (found []broker.UndeliveredEvent, err error) {
	for after := beforeFirst(); ; {
		read, whole, err := rows(ctx, u.queries.undeliveredByID, route, undeliveredState(route), id, after.at, after.seq)
		if err != nil {
			return nil, fmt.Errorf("read undelivered events: %w", err)
		}
		for _, r := range read {
			found, after = append(found, r.undelivered()), r.place
		}
		if whole {
			return found, nil
		}
	}
}

// List implements broker.Undelivered. A cursor is the place of the last event in a page.
func (u undelivered) List(ctx context.Context, route string, p broker.Page) (events []broker.UndeliveredEvent, next string, err error) {
	if p.Limit < 1 {
		return nil, "", fmt.Errorf("a page of %d events: the limit is at least 1", p.Limit)
	}
	after := beforeFirst()
	if p.After != "" {
		if n, err := fmt.Sscanf(p.After, "%d.%d", &after.at, &after.seq); err != nil || n != 2 {
			return nil, "", broker.ErrCursor
		}
	}
	read, whole, err := rows(ctx, u.queries.undelivered, route, undeliveredState(route), after.at, after.seq, math.MaxInt64, math.MaxInt64, p.Limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("read undelivered events: %w", err)
	}
	if len(read) > p.Limit {
		read, whole = read[:p.Limit], false
	}
	for _, r := range read {
		events = append(events, r.undelivered())
	}
	if !whole {
		last := read[len(read)-1]
		next = fmt.Sprintf("%d.%d", last.at, last.seq)
	}
	return events, next, nil
}

// errEnough ends a visit of undelivered events.
var errEnough = errors.New("enough")

// Each implements broker.Undelivered. It skips events that become undelivered during the call.
func (u undelivered) Each(ctx context.Context, route string, visit func(broker.UndeliveredEvent) bool) error {
	err := u.eachBatch(ctx, fileQueue{undeliveredState(route), route}, beforeFirst(), func(batch []row) error {
		for _, r := range batch {
			if !visit(r.undelivered()) {
				return errEnough
			}
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// Replay implements broker.Undelivered. Dead letters of a route that is not configured wait in its queue until it is again.
func (u undelivered) Replay(ctx context.Context, route string, pick func(broker.UndeliveredEvent) bool) (int, error) {
	if route != broker.Unrouted {
		return u.changeUndelivered(ctx, route, pick, (*transaction).replay)
	}
	matched := func(e broker.UndeliveredEvent) bool { return pick(e) && u.matcher.Match(e.Event.Key()) != nil }
	return u.changeUndelivered(ctx, route, matched, func(tx *transaction, r row) (int64, error) {
		return tx.reroute(r, u.matcher.Match(r.event.Key()))
	})
}

// Discard implements broker.Undelivered.
func (u undelivered) Discard(ctx context.Context, route string, pick func(broker.UndeliveredEvent) bool) (int, error) {
	return u.changeUndelivered(ctx, route, pick, func(tx *transaction, r row) (int64, error) {
		return tx.remove(undeliveredState(route), r.place, tallyDiscarded)
	})
}

// changeUndelivered is change for the undelivered events of a route.
func (u undelivered) changeUndelivered(ctx context.Context, route string, pick func(broker.UndeliveredEvent) bool, apply func(*transaction, row) (int64, error)) (int, error) {
	return u.change(ctx, fileQueue{undeliveredState(route), route}, func(r row) bool { return pick(r.undelivered()) }, apply)
}

// change applies an operation to each picked delivery of a queue, in a transaction for maxRows of them. The operation returns the number
// of deliveries that it found, because another process can decide about the same ones. change returns the sum.
func (u undelivered) change(ctx context.Context, q fileQueue, pick func(row) bool, apply func(*transaction, row) (int64, error)) (int, error) {
	return u.changeAfter(ctx, q, beforeFirst(), pick, apply)
}

// changeAfter is change for the deliveries behind a place.
func (u undelivered) changeAfter(ctx context.Context, q fileQueue, after place, pick func(row) bool, apply func(*transaction, row) (int64, error)) (int, error) {
	total := 0
	err := u.eachBatch(ctx, q, after, func(batch []row) error {
		var picked []row
		for _, r := range batch {
			if pick(r) {
				picked = append(picked, r)
			}
		}
		if len(picked) == 0 {
			return nil
		}
		var n int64
		changed := newOp(0, func(tx *transaction) error {
			n = 0
			for _, r := range picked {
				found, err := apply(tx, r)
				if err != nil {
					return err
				}
				n += found
			}
			return nil
		})
		writing, cancel := context.WithTimeout(context.WithoutCancel(ctx), changeTimeout) // ctx ends a change between two transactions
		defer cancel()
		if err := u.write.do(writing, changed); err != nil {
			return fmt.Errorf("change events: %w", err)
		}
		total += int(n)
		return nil
	})
	return total, err
}

// eachBatch visits the deliveries of a queue behind a place that are in the database now. It ends at the place of the youngest of them. So it skips events
// that come into the queue during the call, such as a dead letter that was replayed and died again.
func (u undelivered) eachBatch(ctx context.Context, q fileQueue, after place, visit func(batch []row) error) error {
	var end place
	err := u.queries.lastUndelivered.QueryRowContext(ctx, q.route, q.state).Scan(&end.at, &end.seq)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read events: %w", explain(err))
	}
	for {
		batch, _, err := rows(ctx, u.queries.undelivered, q.route, q.state, after.at, after.seq, end.at, end.seq, maxRows)
		if err != nil {
			return fmt.Errorf("read events: %w", err)
		}
		if len(batch) == 0 {
			return nil
		}
		if err := visit(batch); err != nil {
			return err
		}
		after = batch[len(batch)-1].place
	}
}

// beforeFirst is a place before every delivery of a route.
func beforeFirst() place { return place{at: -1} }
