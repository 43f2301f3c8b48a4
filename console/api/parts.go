package api

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/console"
	"github.com/hookline/hookline/console/jobs"
	"github.com/hookline/hookline/journal"
)

// Parts are the things that the API shows and acts on. Operations on a part that is nil answer 503.
type Parts struct {
	Journal     Journal
	Jobs        Jobs
	Quarantine  Quarantine // has the rejected requests
	Auditor     console.Auditor
	Inspector   broker.Inspector
	Undelivered Undelivered
	Pauser      broker.Pauser
	Pausing     console.Pausing // nil: nobody knows which routes have paused themselves
	Routes      []console.Route
	Log         *zap.Logger   // nil: none
	Ping        time.Duration // between two signs of life of a live stream; 0: 15 seconds
}

// Journal finds recorded events. A journal.Store is one.
type Journal interface {
	Events(ctx context.Context, f journal.Filter, p journal.Page) (events []journal.Summary, next string, err error)
	Event(ctx context.Context, seq int64) (journal.Detail, error)
	Changed() <-chan struct{}
	Troubles
}

// Troubles finds the groups of failures, and the times without records.
type Troubles interface {
	Groups(ctx context.Context, f journal.Filter) ([]journal.Group, error)
	Gaps(ctx context.Context) ([]journal.Gap, error)
}

// Undelivered lists dead letters and unrouted events. Each broker.Broker is one.
type Undelivered interface {
	List(ctx context.Context, route string, p broker.Page) (events []broker.UndeliveredEvent, next string, err error)
}

// Jobs does bulk actions, and keeps the log of who did what. *jobs.Jobs is one.
type Jobs interface {
	console.Planner
	JobList
	console.JobControl
	console.ActLog
}

// JobList finds jobs and their targets.
type JobList interface {
	Get(ctx context.Context, id int64) (jobs.Job, error)
	List(ctx context.Context, p jobs.ListPage) ([]jobs.Job, error)
	Targets(ctx context.Context, id int64, p jobs.TargetPage) ([]jobs.Target, error)
}
