package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/hookline/hookline/broker"
)

// maxChunk is the largest number of targets in a chunk.
const maxChunk = 100

// Reasons of skipped targets.
const (
	whyGone     = "gone when its turn came: replayed, discarded or moved by somebody else"
	whyFailed   = "it was tried and failed again after the plan was made"
	whyNoChange = "it matches no route now"
)

// chunk is a number of targets of one route that are acted on together. They are marked as taken before.
type chunk struct {
	targets []Target
	wanted  map[targetKey]Target // not met yet
	met     map[targetKey]bool   // events of the queue, also those of other chunks
	picked  []int
	skipped map[int]string // reasons by number
}

func newChunk(targets []Target) *chunk {
	c := &chunk{targets: targets, wanted: map[targetKey]Target{}, met: map[targetKey]bool{}, skipped: map[int]string{}}
	for _, t := range targets {
		c.wanted[t.key()] = t
	}
	return c
}

// complete reports whether all targets were met.
func (c *chunk) complete() bool { return len(c.wanted) == 0 }

// pick picks an event if it is one of the targets, and as it was when the plan was made.
func (c *chunk) pick(d broker.StoredDelivery) bool {
	key := keyOf(d)
	c.met[key] = true
	t, ok := c.wanted[key]
	if !ok {
		return false
	}
	delete(c.wanted, key)
	if !t.untouched(d) {
		c.skipped[t.Number] = whyFailed
		return false
	}
	c.picked = append(c.picked, t.Number)
	return true
}

// take marks the next targets of a running job as taken, at most n of one route. It returns none if the job runs no more.
func (j *Jobs) take(ctx context.Context, job int64, n int) (taken []Target, err error) {
	err = j.change(ctx, func(tx *sql.Tx) error {
		var route string
		err := tx.QueryRowContext(ctx, `SELECT route FROM target WHERE job = ?1 AND state = 'left' AND (SELECT state FROM job WHERE id = ?1) = 'running'
			ORDER BY n LIMIT 1`, job).Scan(&route)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("take targets: %w", err)
		}
		if taken, err = targets(ctx, tx, `WHERE job = ? AND state = 'left' AND route = ? ORDER BY n LIMIT ?`, job, route, n); err != nil {
			return err
		}
		for _, t := range taken {
			_, err := tx.ExecContext(ctx, `UPDATE target SET state = 'taken', why = '', taken = ?1, changed = ?1 WHERE job = ?2 AND n = ?3`, j.now(), job, t.Number)
			if err != nil {
				return fmt.Errorf("take targets: %w", err)
			}
		}
		return nil
	})
	return taken, err
}

// actOn acts on taken targets, and writes the results. Targets stay taken if their result is not known: see settle.
func (j *Jobs) actOn(ctx context.Context, v Job, at place, taken []Target) error {
	c, route := newChunk(taken), taken[0].Route
	n, err := at.act(ctx, v.Plan.Action, route, c)
	known := n == len(c.picked)
	if err != nil && !known {
		return err
	}
	writeErr := j.change(context.WithoutCancel(ctx), func(tx *sql.Tx) error {
		if err := j.skip(ctx, tx, v, route, c, err == nil); err != nil {
			return err
		}
		if known {
			return j.move(ctx, tx, v.ID, c.picked, Taken, j.acted(v), "")
		}
		return nil
	})
	if writeErr != nil || known {
		return errors.Join(err, writeErr)
	}
	return j.settle(ctx, v, at, whyNoChange)
}

// skip writes the targets that are to be left out. After a walk through the whole queue these are also the targets of later chunks that
// are gone.
func (j *Jobs) skip(ctx context.Context, tx *sql.Tx, v Job, route string, c *chunk, whole bool) error {
	ctx = context.WithoutCancel(ctx)
	for number, why := range c.skipped {
		if err := j.move(ctx, tx, v.ID, []int{number}, Taken, Skipped, why); err != nil {
			return err
		}
	}
	if !whole || c.complete() || v.Plan.Selection.From == FromJournal {
		return nil
	}
	var gone []int
	for _, t := range c.wanted {
		gone = append(gone, t.Number)
	}
	if err := j.move(ctx, tx, v.ID, gone, Taken, Skipped, whyGone); err != nil {
		return err
	}
	left, err := targets(ctx, tx, `WHERE job = ? AND state = 'left' AND route = ?`, v.ID, route)
	if err != nil {
		return err
	}
	gone = nil
	for _, t := range left {
		if !c.met[t.key()] {
			gone = append(gone, t.Number)
		}
	}
	return j.move(ctx, tx, v.ID, gone, Left, Skipped, whyGone)
}

// acted returns the state of a target that was acted on.
func (j *Jobs) acted(v Job) TargetState {
	if v.Plan.Action == Discard || j.parts.Journal == nil {
		return Done
	}
	return Waiting
}
