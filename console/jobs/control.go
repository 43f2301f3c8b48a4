package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
)

// Options are a person's choices at the start of a job.
type Options struct {
	By    string  `json:"by"`    // the person
	Why   string  `json:"why"`   // the reason, for the log
	Rate  float64 `json:"rate"`  // events per second at most; 0: no limit
	Proof bool    `json:"proof"` // one event, then ten, then the rest; the job stops at the first one that fails again
}

// check returns every error in the options for a plan.
func (o Options) check(p Plan, parts Parts) error {
	var errs []error
	if o.By == "" {
		errs = append(errs, errors.New("by is empty; it names the person"))
	}
	if o.Why == "" && p.Action == Discard {
		errs = append(errs, errors.New("a discard needs a reason: say why"))
	}
	if o.Rate < 0 || math.IsNaN(o.Rate) || math.IsInf(o.Rate, 0) {
		errs = append(errs, fmt.Errorf("the rate is %v; it is 0 or more events per second", o.Rate))
	}
	if o.Proof && p.Action == Discard {
		errs = append(errs, errors.New("a discard has no outcome that could prove anything: leave the proof out"))
	} else if o.Proof && parts.Journal == nil {
		errs = append(errs, errors.New("a proof needs the journal, which is off: switch it on, or leave the proof out"))
	}
	return errors.Join(errs...)
}

// Start makes a job of a plan, and writes it to the log. The process that runs Run does it. One of two people who start the same plan gets
// ErrState, which names the other.
func (j *Jobs) Start(ctx context.Context, plan int64, o Options) (Job, error) {
	joined, err := j.joinedBefore(ctx, plan)
	if err != nil {
		return Job{}, fmt.Errorf("start plan %d: %w", plan, err)
	}
	err = j.change(ctx, func(tx *sql.Tx) error {
		if err := j.forget(ctx, tx); err != nil {
			return err
		}
		v, err := scanJob(tx.QueryRowContext(ctx, jobColumns+`WHERE id = ?`, plan))
		switch {
		case errors.Is(err, ErrNotFound):
			return fmt.Errorf("%w: a plan is kept for an hour; make it anew", err)
		case err != nil:
			return err
		case v.State != Planned:
			return fmt.Errorf("%w: %s started it at %s", ErrState, v.By, v.Started.Format("15:04:05 MST"))
		case v.Counts.Total == 0:
			return fmt.Errorf("%w: the plan has no events", ErrState)
		}
		if err := o.check(v.Plan, j.parts); err != nil {
			return fmt.Errorf("%w: %w", ErrRequest, err)
		}
		if err := j.leaveOutBusy(ctx, tx, plan); err != nil {
			return err
		}
		if _, err = j.note(ctx, tx, v.entry(o)); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE job SET state = ?, started = ?, changed = ?, by = ?, why = ?, rate = ?, proof = ?, joined = ? WHERE id = ?`,
			Running, j.now(), j.now(), o.By, o.Why, o.Rate, o.Proof, joined, plan)
		return err
	})
	if err != nil {
		return Job{}, fmt.Errorf("start plan %d: %w", plan, err)
	}
	return j.Get(ctx, plan)
}

// entry returns the entry of the log for the start of a plan.
func (v Job) entry(o Options) Entry {
	how := "all at once"
	switch {
	case o.Proof:
		how = "1, then 10, then the rest"
	case o.Rate > 0:
		how = fmt.Sprintf("%g a second at most", o.Rate)
	}
	subject := fmt.Sprintf("%s %d %s, %s", v.Plan.Action, v.Counts.Total, v.Plan.Words, how)
	return Entry{Who: o.By, What: "job started", Subject: subject, Selection: v.Plan.Words, Count: v.Counts.Total, Why: o.Why, Job: v.ID}
}

// leaveOutBusy skips the targets of a plan that another job has got since the plan was made.
func (j *Jobs) leaveOutBusy(ctx context.Context, tx *sql.Tx, plan int64) error {
	_, err := tx.ExecContext(ctx, `UPDATE target SET state = 'skipped', changed = ?2, why = 'in another job, which was started after the plan was made'
		WHERE job = ?1 AND EXISTS (SELECT 1 FROM target o JOIN job ON job.id = o.job WHERE o.fingerprint = target.fingerprint AND o.time = target.time
			AND o.route = target.route AND o.job <> ?1 AND o.state IN ('left', 'taken', 'waiting') AND job.state IN ('running', 'paused'))`, plan, j.now())
	if err != nil {
		return fmt.Errorf("look for other jobs: %w", err)
	}
	return nil
}

// Pause lets a running job do no more until Resume. A chunk of targets that it has begun is ended first.
func (j *Jobs) Pause(ctx context.Context, id int64, by string) (Job, error) {
	return j.switchTo(ctx, id, by, Paused, "paused", Running)
}

// Resume lets a paused job go on.
func (j *Jobs) Resume(ctx context.Context, id int64, by string) (Job, error) {
	return j.switchTo(ctx, id, by, Running, "resumed", Paused)
}

// Stop ends a job: the targets that have had no turn stay as they are. The outcomes of the others are still learnt.
func (j *Jobs) Stop(ctx context.Context, id int64, by string) (Job, error) {
	return j.switchTo(ctx, id, by, Stopped, "stopped", Running, Paused)
}

// switchTo changes the state of a job by a person's order.
func (j *Jobs) switchTo(ctx context.Context, id int64, by string, to State, verb string, from ...State) (Job, error) {
	err := j.change(ctx, func(tx *sql.Tx) error {
		v, err := scanJob(tx.QueryRowContext(ctx, jobColumns+`WHERE id = ?`, id))
		if err != nil {
			return err
		}
		if err := v.refuse(to, from); err != nil {
			return err
		}
		if _, err := j.note(ctx, tx, Entry{Who: by, What: "job " + verb, Subject: v.Plan.Words, Count: v.Counts.Left, Job: id, Result: "done"}); err != nil {
			return err
		}
		result := ""
		if to != Running {
			result = fmt.Sprintf("%s by %s", verb, by)
		}
		return j.set(ctx, tx, id, to, result)
	})
	if err != nil {
		return Job{}, fmt.Errorf("job %d: %w", id, err)
	}
	return j.Get(ctx, id)
}

// refuse returns an error that says why a job cannot change to a state, and nil if it can.
func (v Job) refuse(to State, from []State) error {
	for _, state := range from {
		if v.State == state {
			return nil
		}
	}
	if v.Result != "" {
		return fmt.Errorf("%w: the job is %s already (%s)", ErrState, v.State, v.Result)
	}
	return fmt.Errorf("%w: the job is %s, and so cannot become %s", ErrState, v.State, to)
}

// set writes the state of a job, with its result.
func (j *Jobs) set(ctx context.Context, tx *sql.Tx, id int64, to State, result string) error {
	ended := int64(0)
	if to == Finished || to == Stopped {
		ended = j.now()
	}
	_, err := tx.ExecContext(ctx, `UPDATE job SET state = ?, changed = ?, ended = ?, result = ?, problem = '' WHERE id = ?`, to, j.now(), ended, result, id)
	if err != nil {
		return fmt.Errorf("write the state of job %d: %w", id, err)
	}
	return nil
}
