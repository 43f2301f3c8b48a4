package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/journal"
)

const (
	// learnAtOnce is the number of targets whose attempts are looked up between two transactions.
	learnAtOnce = 500
	// learnShare is the reciprocal of the share of the time in which a process looks up attempts.
	learnShare = 5
)

// learn learns the outcomes of targets from the journal until ctx ends.
func (j *Jobs) learn(ctx context.Context) {
	for ctx.Err() == nil {
		attempts, changed, began := j.parts.Journal.Changed(), j.Changed(), time.Now()
		err := errors.Join(j.learnOutcomes(ctx), j.learnFailures(ctx))
		rest := (learnShare - 1) * time.Since(began)
		if err != nil && ctx.Err() == nil {
			j.parts.Log.Warn("the outcomes of jobs cannot be learnt; they wait", zap.Error(err))
			rest = problemWait
		}
		sleep(ctx, nil, rest)
		select {
		case <-attempts:
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// learnOutcomes looks up the attempts of all targets whose outcome can still change: those that wait, and those of running jobs that have
// failed again, because their route tries them again by itself.
func (j *Jobs) learnOutcomes(ctx context.Context) error {
	list, err := j.list(ctx, `WHERE state IN ('running', 'paused') OR state = 'stopped' AND
		EXISTS (SELECT 1 FROM tally WHERE job = job.id AND tally.state = 'waiting' AND n > 0)`)
	if err != nil {
		return err
	}
	for _, v := range list {
		for _, state := range []TargetState{Waiting, FailedAgain} {
			if state == FailedAgain && v.State == Stopped {
				continue
			}
			for after := 0; ; {
				page, err := j.Targets(ctx, v.ID, TargetPage{State: state, After: after, Limit: learnAtOnce})
				if err != nil {
					return err
				}
				if len(page) == 0 {
					break
				}
				after = page[len(page)-1].Number
				if err := j.conclude(ctx, v, page); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// conclude sets the states of targets by their attempts.
func (j *Jobs) conclude(ctx context.Context, v Job, list []Target) error {
	var ended []Target
	for _, t := range list {
		attempts, err := j.parts.Journal.Attempts(ctx, t.journalKey())
		if err != nil {
			return fmt.Errorf("read the journal: %w", err)
		}
		if state, why := t.outcome(attempts, v.Plan.To); state != "" && state != t.State {
			t.State, t.Why = state, why
			ended = append(ended, t)
		}
	}
	if len(ended) == 0 {
		return nil
	}
	return j.change(ctx, func(tx *sql.Tx) error {
		for _, t := range ended {
			if err := j.move(ctx, tx, v.ID, []int{t.Number}, list[0].State, t.State, t.Why); err != nil {
				return err
			}
		}
		return nil
	})
}

// outcome returns the state of a target after those attempts that came after it was chosen, with the error of a failed one. It returns ""
// while the outcome is not known. Of several routes, the first that failed decides, and then all of to have to be done.
func (t Target) outcome(attempts []journal.Attempt, to []string) (state TargetState, why string) {
	latest := map[string]journal.Attempt{}
	for _, a := range attempts {
		if mine := t.Route == broker.Unrouted || t.Route == a.Route; !mine || !t.follows(a) || outcomeOf(a) == "" {
			continue
		}
		if before, ok := latest[a.Route]; !ok || !a.Start.Before(before.Start) {
			latest[a.Route] = a
		}
	}
	for _, a := range latest {
		if outcomeOf(a) == FailedAgain {
			return FailedAgain, a.Error
		}
	}
	for _, route := range to {
		if _, ok := latest[route]; !ok {
			return "", ""
		}
	}
	if len(latest) == 0 {
		return "", ""
	}
	return Done, ""
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

// joined returns how many events have failed on the routes of a job for its cause, and when the last one did.
func (j *Jobs) joined(ctx context.Context, v Job) (n int64, last time.Time, err error) {
	routes := v.Plan.To
	for _, r := range v.Plan.Routes {
		routes = append(routes, r.Route)
	}
	for _, route := range routes {
		if route == broker.Unrouted || j.parts.Joined == nil {
			continue
		}
		joined, at, err := j.parts.Joined(ctx, route, v.Plan.Selection.Cause)
		if err != nil {
			return 0, last, fmt.Errorf("count the failures of %s: %w", route, err)
		}
		n += joined
		if at.After(last) {
			last = at
		}
	}
	return n, last, nil
}

// joinedBefore is joined for a plan that is about to start.
func (j *Jobs) joinedBefore(ctx context.Context, plan int64) (int64, error) {
	v, err := j.Get(ctx, plan)
	if errors.Is(err, ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	n, _, err := j.joined(ctx, v)
	return n, err
}

// learnFailures counts the new failures of running jobs.
func (j *Jobs) learnFailures(ctx context.Context) error {
	if j.parts.Joined == nil {
		return nil
	}
	list, err := j.list(ctx, `WHERE state IN ('running', 'paused')`)
	if err != nil {
		return err
	}
	for _, v := range list {
		n, last, err := j.joined(ctx, v)
		if err != nil {
			return err
		}
		err = j.changeIf(ctx, `UPDATE job SET new_failures = ?1 - joined, new_failure = ?2 WHERE id = ?3 AND ?1 > joined + new_failures`, n, millis(last), v.ID)
		if err != nil {
			return fmt.Errorf("count the failures: %w", err)
		}
	}
	return nil
}
