package jobs

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"time"

	"go.uber.org/zap"
)

// Waits for outcomes after which a worker looks for lost ones. The wait doubles each time.
const (
	firstRecheck = time.Minute
	lastRecheck  = time.Hour
)

// worker works on one job.
type worker struct {
	*Jobs
	id           int64
	next         time.Time     // not before then, because of the rate
	idle         bool          // the job waits for outcomes
	recheckAfter time.Duration // wait before the next recheck
	since        time.Time     // begin of the wait
}

// step does the next part of the job. more is false if there is nothing to do any more.
func (w *worker) step(ctx context.Context) (more bool, err error) {
	w.idle = false
	v, err := w.Get(ctx, w.id)
	if err != nil {
		return false, err
	}
	at, err := w.place(v.Plan.Selection.From, v.Plan.To)
	if err != nil {
		return true, err
	}
	if err := w.settle(ctx, v, at, ""); err != nil {
		return true, err
	}
	if v, err = w.Get(ctx, w.id); err != nil || v.State != Running {
		return false, err
	}
	if v.Proof && v.Counts.FailedAgain > 0 {
		return false, w.relapse(ctx, v)
	}
	n := w.allowed(v)
	switch {
	case n > 0:
		return true, w.act(ctx, v, at, n)
	case v.Counts.Waiting > 0 && w.acted(v) == Waiting && w.isPatient():
		w.idle = true
		return true, nil
	}
	return w.end(ctx, v, at)
}

// act takes at most n targets and acts on them.
func (w *worker) act(ctx context.Context, v Job, at place, n int) error {
	w.since, w.recheckAfter = time.Time{}, 0
	began := w.parts.Now()
	taken, err := w.take(ctx, v.ID, n)
	if err != nil || len(taken) == 0 {
		return err
	}
	if v.Rate > 0 {
		w.next = began.Add(time.Duration(float64(len(taken)) / v.Rate * float64(time.Second)))
	}
	if err := w.actOn(ctx, v, at, taken); err != nil {
		return err
	}
	return w.problemSolved(ctx, v)
}

// allowed returns the number of targets that the job may act on now.
func (w *worker) allowed(v Job) int {
	n := min(maxChunk, v.Counts.Left)
	if v.Rate > 0 {
		n = min(n, max(1, int(math.Ceil(v.Rate))))
	}
	if v.Proof {
		n = min(n, proofAllows(v.Counts))
	}
	return n
}

// end ends the job if every outcome is known. Targets that were missed have their turn before.
func (w *worker) end(ctx context.Context, v Job, at place) (more bool, err error) {
	again, err := w.recheck(ctx, v, at)
	if err != nil || again > 0 {
		return true, err
	}
	w.since, w.recheckAfter = w.parts.Now(), min(max(2*w.recheckAfter, firstRecheck), lastRecheck)
	if v, err = w.Get(ctx, w.id); err != nil || v.State != Running {
		return false, err
	}
	if v.Counts.Waiting > 0 {
		w.idle = true
		return true, nil
	}
	c := v.Counts
	result := fmt.Sprintf("%d of %d done, %d failed again, %d left out", c.Done, c.Total, c.FailedAgain, c.Skipped)
	return false, w.endAs(ctx, v, Finished, result)
}

// endAs ends a running job.
func (w *worker) endAs(ctx context.Context, v Job, state State, result string) error {
	return w.change(ctx, func(tx *sql.Tx) error {
		now, err := scanJob(tx.QueryRowContext(ctx, jobColumns+`WHERE id = ?`, v.ID))
		if err != nil || now.State != Running { // a person was faster
			return err
		}
		return w.set(ctx, tx, v.ID, state, result)
	})
}

// isPatient reports whether the job waits further for outcomes before it looks for lost ones.
func (w *worker) isPatient() bool {
	if w.since.IsZero() {
		w.since, w.recheckAfter = w.parts.Now(), firstRecheck
	}
	return w.patience() > 0
}

// patience returns the time until the next recheck.
func (w *worker) patience() time.Duration { return w.since.Add(w.recheckAfter).Sub(w.parts.Now()) }

// problem writes why a job does not go on.
func (j *Jobs) problem(ctx context.Context, id int64, problem error) {
	err := j.changeIf(ctx, `UPDATE job SET problem = ?1, changed = ?2 WHERE id = ?3 AND problem <> ?1`, problem.Error(), j.now(), id)
	j.parts.Log.Warn("a job has a problem; it tries again", zap.Int64("job", id), zap.Error(problem), zap.NamedError("write", err))
}

func (j *Jobs) problemSolved(ctx context.Context, v Job) error {
	if v.Problem == "" {
		return nil
	}
	return j.changeIf(ctx, `UPDATE job SET problem = '' WHERE id = ?`, v.ID)
}
