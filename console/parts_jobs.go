package console

import (
	"context"

	"github.com/hookline/hookline/console/jobs"
)

// Jobs does bulk actions, and keeps the log of who did what. *jobs.Jobs is one.
type Jobs interface {
	Planner
	JobList
	JobControl
	ActLog
}

// Planner makes plans, and jobs of them.
type Planner interface {
	Plan(ctx context.Context, r jobs.PlanRequest) (jobs.Plan, error)
	Start(ctx context.Context, plan int64, o jobs.Options) (jobs.Job, error)
}

// JobList finds jobs and their targets.
type JobList interface {
	Get(ctx context.Context, id int64) (jobs.Job, error)
	List(ctx context.Context, p jobs.ListPage) ([]jobs.Job, error)
	Latest(ctx context.Context, id int64, limit int) ([]jobs.Target, error)
}

// JobControl pauses, resumes and stops jobs.
type JobControl interface {
	Pause(ctx context.Context, id int64, by string) (jobs.Job, error)
	Resume(ctx context.Context, id int64, by string) (jobs.Job, error)
	Stop(ctx context.Context, id int64, by string) (jobs.Job, error)
}

// ActLog is the log of who did what.
type ActLog interface {
	Note(ctx context.Context, e jobs.Entry) (id int64, err error)
	NoteResult(ctx context.Context, id int64, result string) error
	Log(ctx context.Context, p jobs.LogPage) ([]jobs.Entry, error)
}
