package jobs

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/hookline/hookline/broker"
)

const targetColumns = `SELECT n, route, source, action, event_id, time, fingerprint, before, attempts, state, why, taken, changed FROM target `

// keep stores a plan with its targets, and removes expired plans.
func (j *Jobs) keep(ctx context.Context, p *Plan, targets []Target) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return j.change(ctx, func(tx *sql.Tx) error {
		if err := j.forget(ctx, tx); err != nil {
			return err
		}
		err := tx.QueryRowContext(ctx, `INSERT INTO job (state, action, plan, made) VALUES (?, ?, ?, ?) RETURNING id`,
			Planned, p.Action, string(text), millis(p.Made)).Scan(&p.ID)
		if err != nil {
			return fmt.Errorf("keep the plan: %w", err)
		}
		insert, err := tx.PrepareContext(ctx, `INSERT INTO target (job, n, route, source, action, event_id, time, fingerprint, before, attempts)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
		if err != nil {
			return fmt.Errorf("keep the plan: %w", err)
		}
		defer insert.Close()
		for _, t := range targets {
			_, err := insert.ExecContext(ctx, p.ID, t.Number, t.Route, t.Source, t.Action, t.ID, t.Time.UnixMilli(), t.fingerprint[:], millis(t.Before), t.Attempts)
			if err != nil {
				return fmt.Errorf("keep the plan: %w", err)
			}
		}
		return nil
	})
}

// TargetsKept is how long the list of an ended job's targets is kept. Its numbers, and the entries of the log, stay.
const TargetsKept = 90 * 24 * time.Hour

// forget removes the plans that nobody has started within PlanKept, and the targets of jobs that ended long ago.
func (j *Jobs) forget(ctx context.Context, tx *sql.Tx) error {
	expired, old := j.now()-PlanKept.Milliseconds(), j.now()-TargetsKept.Milliseconds()
	for _, remove := range []string{
		`DELETE FROM target WHERE job IN (SELECT id FROM job WHERE state = 'planned' AND made < ?1 OR ended BETWEEN 1 AND ?2)`,
		`DELETE FROM tally WHERE job IN (SELECT id FROM job WHERE state = 'planned' AND made < ?1 AND ?2 > 0)`,
		`DELETE FROM job WHERE state = 'planned' AND made < ?1 AND ?2 > 0`,
	} {
		if _, err := tx.ExecContext(ctx, remove, expired, old); err != nil {
			return fmt.Errorf("remove expired plans: %w", err)
		}
	}
	return nil
}

// busy returns the targets of running and paused jobs that have had no turn, or whose outcome is not known, with the ID of their job.
func (j *Jobs) busy(ctx context.Context) (map[targetKey]int64, error) {
	rows, err := j.read.QueryContext(ctx, `SELECT job, fingerprint, time, route FROM target
		WHERE job IN (SELECT id FROM job WHERE state IN ('running', 'paused')) AND state IN ('left', 'taken', 'waiting')`)
	if err != nil {
		return nil, fmt.Errorf("read the running jobs: %w", err)
	}
	defer rows.Close()
	busy := map[targetKey]int64{}
	for rows.Next() {
		var job int64
		var key targetKey
		var fingerprint []byte
		if err := rows.Scan(&job, &fingerprint, &key.time, &key.route); err != nil {
			return nil, fmt.Errorf("read the running jobs: %w", err)
		}
		key.fingerprint = broker.Fingerprint(fingerprint)
		busy[key] = job
	}
	return busy, rows.Err()
}

// TargetPage selects a part of a job's targets.
type TargetPage struct {
	State TargetState // empty: all
	After int         // number of the last target of the page before; 0 for the first page
	Limit int         // targets in the page, at least 1
}

// Targets returns a page of a plan's or job's targets, in the job's order.
func (j *Jobs) Targets(ctx context.Context, job int64, p TargetPage) ([]Target, error) {
	if p.State == "" {
		return targets(ctx, j.read, `WHERE job = ? AND n > ? ORDER BY n LIMIT ?`, job, p.After, max(p.Limit, 1))
	}
	return targets(ctx, j.read, `WHERE job = ? AND state = ? AND n > ? ORDER BY n LIMIT ?`, job, p.State, p.After, max(p.Limit, 1))
}

// Latest returns the targets of a job that changed last, newest first.
func (j *Jobs) Latest(ctx context.Context, job int64, limit int) ([]Target, error) {
	return targets(ctx, j.read, `WHERE job = ? AND changed > 0 ORDER BY changed DESC, n DESC LIMIT ?`, job, max(limit, 1))
}

// querier is a pool of connections, or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func targets(ctx context.Context, from querier, where string, args ...any) ([]Target, error) {
	rows, err := from.QueryContext(ctx, targetColumns+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read targets: %w", err)
	}
	defer rows.Close()
	list := []Target{} // not nil, which would be null in JSON
	for rows.Next() {
		var t Target
		var at, before, taken, changed int64
		var fingerprint []byte
		if err := rows.Scan(&t.Number, &t.Route, &t.Source, &t.Action, &t.ID, &at, &fingerprint, &before, &t.Attempts, &t.State, &t.Why, &taken, &changed); err != nil {
			return nil, fmt.Errorf("read targets: %w", err)
		}
		t.Time, t.Before, t.Acted, t.Changed, t.fingerprint = moment(at), moment(before), moment(taken), moment(changed), broker.Fingerprint(fingerprint)
		list = append(list, t)
	}
	return list, rows.Err()
}

// move sets the state of those targets that are in the state from, with the reason.
func (j *Jobs) move(ctx context.Context, tx *sql.Tx, job int64, numbers []int, from, to TargetState, why string) error {
	if len(numbers) == 0 {
		return nil
	}
	update, err := tx.PrepareContext(ctx, `UPDATE target SET state = ?, why = ?, changed = ? WHERE job = ? AND n = ? AND state = ?`)
	if err != nil {
		return fmt.Errorf("write the results of job %d: %w", job, err)
	}
	defer update.Close()
	for _, n := range numbers {
		if _, err := update.ExecContext(ctx, to, why, j.now(), job, n, from); err != nil {
			return fmt.Errorf("write the results of job %d: %w", job, err)
		}
	}
	return nil
}
