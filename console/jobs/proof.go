package jobs

import (
	"context"
	"fmt"
)

const (
	// firstStages is the number of events in the first two stages of a proof: 1 and 10.
	firstStages = 1 + 10
	// maxWaiting bounds the events of a proof whose outcome is not known. So a late relapse has few companions.
	maxWaiting = 100
)

// stageOf returns the stage of a proof.
func stageOf(c Counts) Stage {
	acted, total := c.Done+c.FailedAgain+c.Waiting, c.Total-c.Skipped
	switch {
	case c.Done < 1 && acted <= 1:
		return Stage{1, min(1, total), acted}
	case c.Done < min(firstStages, total) && acted <= firstStages:
		return Stage{2, min(firstStages-1, total-1), max(acted-1, 0)}
	case total <= 1:
		return Stage{1, total, acted}
	case total <= firstStages:
		return Stage{2, total - 1, acted - 1}
	}
	return Stage{3, total - firstStages, acted - firstStages}
}

// proofAllows returns the number of targets that a proof may act on now. A stage begins when every event of the one before is done.
func proofAllows(c Counts) int {
	switch {
	case c.FailedAgain > 0:
		return 0
	case c.Done < 1:
		return max(0, 1-c.Waiting)
	case c.Done < firstStages:
		return max(0, firstStages-c.Done-c.Waiting)
	}
	return max(0, maxWaiting-c.Waiting)
}

// relapse stops a proof at its first event that failed again.
func (w *worker) relapse(ctx context.Context, v Job) error {
	failed, err := w.Targets(ctx, v.ID, TargetPage{State: FailedAgain, Limit: 1})
	if err != nil || len(failed) == 0 {
		return err
	}
	t := failed[0]
	return w.endAs(ctx, v, Stopped, fmt.Sprintf("stopped by the proof: event %s failed again: %.400s", t.ID, t.Why))
}
