package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/hookline/hookline/broker"
)

// present is the state of targets in their place.
type present struct {
	untouched map[int]bool   // as they were when the plan was made
	failed    map[int]string // there, but they have failed since; with the error
}

// find looks for targets of a job in their place.
func (j *Jobs) find(ctx context.Context, v Job, at place, list []Target) (present, error) {
	found := present{map[int]bool{}, map[int]string{}}
	byRoute := map[string]map[targetKey]Target{}
	for _, t := range list {
		if byRoute[t.Route] == nil {
			byRoute[t.Route] = map[targetKey]Target{}
		}
		byRoute[t.Route][t.key()] = t
	}
	for route, wanted := range byRoute {
		err := at.look(ctx, route, v.Plan.Selection, func(d broker.StoredDelivery, _ int) bool {
			switch t, ok := wanted[keyOf(d)]; {
			case ok && t.untouched(d):
				found.untouched[t.Number] = true
			case ok:
				found.failed[t.Number] = d.LastError
			}
			return true
		})
		if err != nil && !errors.Is(err, broker.ErrNoQueue) {
			return found, fmt.Errorf("look for the events of job %d: %w", v.ID, err)
		}
	}
	return found, nil
}

// settle finds the places of the targets that are marked as taken, after a crash or a failed act. Those that are still there have
// their turn again, or are skipped with the reason untouched. Those that are gone were acted on.
func (j *Jobs) settle(ctx context.Context, v Job, at place, untouched string) error {
	taken, err := targets(ctx, j.read, `WHERE job = ? AND state = 'taken'`, v.ID)
	if err != nil || len(taken) == 0 {
		return err
	}
	found := present{map[int]bool{}, nil}
	if v.Plan.Selection.From == FromJournal { // a look cannot tell; a second turn is the safe side
		for _, t := range taken {
			found.untouched[t.Number] = true
		}
	} else if found, err = j.find(ctx, v, at, taken); err != nil {
		return err
	}
	var again, acted []int
	for _, t := range taken {
		if found.untouched[t.Number] {
			again = append(again, t.Number)
		} else {
			acted = append(acted, t.Number)
		}
	}
	to := Left
	if untouched != "" {
		to = Skipped
	}
	return j.change(ctx, func(tx *sql.Tx) error {
		return errors.Join(
			j.move(ctx, tx, v.ID, again, Taken, to, untouched),
			// Another process that looks at the same queue of RabbitMQ can hide events: see recheck.
			j.move(ctx, tx, v.ID, acted, Taken, Waiting, ""))
	})
}

// recheck looks again for targets of a job that have no turn left: those that were gone when their turn came, and those whose outcome is
// not known. A look can miss an event: RabbitMQ hides those that another process looks at, also if that process has just died. Those
// that are there have their turn again. recheck returns their number.
func (j *Jobs) recheck(ctx context.Context, v Job, at place) (again int, err error) {
	if v.Plan.Selection.From == FromJournal {
		return 0, nil
	}
	doubtful, err := targets(ctx, j.read, `WHERE job = ?1 AND (state = 'waiting' OR state = 'skipped' AND why = ?2)`, v.ID, whyGone)
	if err != nil || len(doubtful) == 0 {
		return 0, err
	}
	found, err := j.find(ctx, v, at, doubtful)
	if err != nil {
		return 0, err
	}
	err = j.change(ctx, func(tx *sql.Tx) error {
		for _, t := range doubtful {
			to, why := t.State, t.Why
			failed, isThere := found.failed[t.Number]
			switch {
			case found.untouched[t.Number] && t.State == Waiting && v.Plan.Action == RetryNow: // it waits for a worker
			case found.untouched[t.Number]:
				again++
				to, why = Left, ""
			case t.State == Waiting && isThere: // the journal has lost the attempt
				to, why = FailedAgain, failed
			case t.State == Waiting && j.acted(v) == Done:
				to = Done
			}
			if to != t.State {
				if err := j.move(ctx, tx, v.ID, []int{t.Number}, t.State, to, why); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return again, err
}
