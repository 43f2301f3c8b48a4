package console

import (
	"context"
	"time"

	"github.com/hookline/hookline/journal"
)

// Journal is the history of events. *journal.Store is one.
type Journal interface {
	Lists
	Counts
	Changes
}

// Lists finds events.
type Lists interface {
	// Events returns a page of events, newest first, and the cursor of the next page.
	Events(ctx context.Context, f journal.Filter, p journal.Page) (events []journal.Summary, next string, err error)
	// Event returns an event with its body and attempts, or journal.ErrNotFound.
	Event(ctx context.Context, seq int64) (journal.Detail, error)
}

// Counts has the failures by their causes, and the numbers of each hour.
type Counts interface {
	Groups(ctx context.Context, f journal.Filter) ([]journal.Group, error)
	Hours(ctx context.Context, from, to time.Time) ([]journal.Hour, error)
}

// Changes tells that there is more to see.
type Changes interface {
	// Changed returns a channel that is closed at the next change.
	Changed() <-chan struct{}
}
