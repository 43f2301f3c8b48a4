package jobs

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/journal"
	"github.com/hookline/hookline/pkg/event"
)

// learnAtOnce is the number of attempts that are read from the journal at once.
const learnAtOnce = 1000

// learn learns the outcomes of targets from the journal until ctx ends.
func (j *Jobs) learn(ctx context.Context) {
	for ctx.Err() == nil {
		attempts, changed := j.parts.Outcomes.Changed(), j.Changed()
		more, err := j.learnMore(ctx)
		wait := time.Hour
		if err != nil && ctx.Err() == nil {
			j.parts.Log.Warn("the outcomes of jobs cannot be learnt; they wait", zap.Error(err))
			wait, changed, attempts = problemWait, nil, nil
		}
		if more && err == nil {
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-attempts:
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// learnMore reads attempts behind those that it knows, and applies them. more reports whether there can be further ones.
func (j *Jobs) learnMore(ctx context.Context) (more bool, err error) {
	newest, err := j.parts.Outcomes.Newest(ctx)
	if err != nil {
		return false, fmt.Errorf("read the journal: %w", err)
	}
	var cursor int64
	var jobs int
	err = j.read.QueryRowContext(ctx, `SELECT cursor, (SELECT count(*) FROM job WHERE `+expectant+`) FROM reading`).Scan(&cursor, &jobs)
	switch {
	case err != nil:
		return false, fmt.Errorf("read the jobs: %w", err)
	case jobs == 0 || cursor == newest:
		return false, nil
	case cursor > newest: // the journal is a new one
		cursor = 0
	}
	attempts, next, err := j.parts.Outcomes.Ended(ctx, cursor, learnAtOnce)
	if err != nil {
		return false, fmt.Errorf("read the journal: %w", err)
	}
	if len(attempts) == 0 {
		return false, nil
	}
	return true, j.change(ctx, func(tx *sql.Tx) error {
		running, err := runningJobs(ctx, tx)
		if err != nil {
			return err
		}
		for _, a := range attempts {
			if err := j.apply(ctx, tx, running, a); err != nil {
				return err
			}
		}
		return remember(ctx, tx, next)
	})
}

// expectant is the condition of jobs that expect outcomes.
const expectant = `(state IN ('running', 'paused') OR state = 'stopped' AND
	EXISTS (SELECT 1 FROM tally WHERE job = job.id AND state IN ('waiting', 'taken') AND n > 0))`

// skipHistory lets the first of the running jobs learn from the attempts behind a cursor only, because those before are older.
func skipHistory(ctx context.Context, tx *sql.Tx, newest int64) error {
	_, err := tx.ExecContext(ctx, `UPDATE reading SET cursor = ? WHERE NOT EXISTS (SELECT 1 FROM job WHERE `+expectant+`)`, newest)
	return err
}

func remember(ctx context.Context, tx *sql.Tx, cursor int64) error {
	_, err := tx.ExecContext(ctx, `UPDATE reading SET cursor = ?`, cursor)
	return err
}

// apply gives an attempt to its targets, and counts it at the jobs of the same cause.
func (j *Jobs) apply(ctx context.Context, tx *sql.Tx, running []Job, a journal.Attempt) error {
	fingerprint := broker.FingerprintOf(event.Event{Source: a.Key.Source, Action: a.Key.Action, ID: a.Key.ID})
	rows, err := tx.QueryContext(ctx, `SELECT job, n FROM target WHERE fingerprint = ? AND time = ? AND (route = ? OR route = '')`,
		fingerprint[:], a.Key.Time.UnixMilli(), a.Route)
	if err != nil {
		return fmt.Errorf("find the targets of an attempt: %w", err)
	}
	var of []struct{ job, n int64 }
	for rows.Next() {
		var at struct{ job, n int64 }
		if err := rows.Scan(&at.job, &at.n); err != nil {
			return fmt.Errorf("find the targets of an attempt: %w", err)
		}
		of = append(of, at)
	}
	if err := rows.Close(); err != nil {
		return err
	}
	targeted := map[int64]bool{}
	for _, at := range of {
		list, err := targets(ctx, tx, `WHERE job = ? AND n = ?`, at.job, at.n)
		if err != nil {
			return err
		}
		targeted[at.job] = true
		if err := j.conclude(ctx, tx, at.job, list[0], a); err != nil {
			return err
		}
	}
	return j.countFailure(ctx, tx, running, targeted, a)
}

// conclude sets the state of a target by an attempt that came after it was chosen.
func (j *Jobs) conclude(ctx context.Context, tx *sql.Tx, job int64, t Target, a journal.Attempt) error {
	to := outcomeOf(a)
	switch {
	case to == "" || to == t.State || !t.follows(a):
		return nil
	case t.State == Waiting || t.State == Taken:
	case t.State == FailedAgain && t.Route != broker.Unrouted: // its route has tried it again by itself
	case t.State == Done && t.Route == broker.Unrouted: // one of its routes has failed
	default:
		return nil
	}
	return j.move(ctx, tx, job, []int{t.Number}, t.State, to, a.Error)
}

// outcomeOf returns the state of a target after an attempt, and "" if the attempt does not count.
func outcomeOf(a journal.Attempt) TargetState {
	switch a.Outcome {
	case journal.Done, journal.Filtered:
		return Done
	case journal.Retried, journal.Dead:
		return FailedAgain
	}
	return ""
}

// countFailure counts a failed attempt at the running jobs that it belongs to by its route and cause, and not as a target.
func (j *Jobs) countFailure(ctx context.Context, tx *sql.Tx, running []Job, targeted map[int64]bool, a journal.Attempt) error {
	if outcomeOf(a) != FailedAgain {
		return nil
	}
	for _, v := range running {
		s := v.Plan.Selection
		ofRoute := slices.ContainsFunc(v.Plan.Routes, func(r RouteCount) bool { return r.Route == a.Route }) || slices.Contains(v.Plan.To, a.Route)
		ofCause := s.Cause == "" || s.Cause == j.parts.Cause(a.Error)
		if targeted[v.ID] || !ofRoute || !ofCause || a.Start.Before(v.Started) {
			continue
		}
		_, err := tx.ExecContext(ctx, `UPDATE job SET new_failures = new_failures + 1, new_failure = max(new_failure, ?) WHERE id = ?`,
			a.Start.Add(a.Duration).UnixMilli(), v.ID)
		if err != nil {
			return fmt.Errorf("count a failure: %w", err)
		}
	}
	return nil
}

func runningJobs(ctx context.Context, tx *sql.Tx) (list []Job, err error) {
	rows, err := tx.QueryContext(ctx, jobColumns+`WHERE state IN ('running', 'paused')`)
	if err != nil {
		return nil, fmt.Errorf("read the jobs: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		v, err := scanJob(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}
