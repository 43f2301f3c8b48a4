package jobs

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/journal"
	"github.com/hookline/hookline/pkg/event"
)

// Undelivered acts on dead letters and unrouted events. Each broker.Broker is one.
type Undelivered interface {
	Each(ctx context.Context, route string, visit func(broker.UndeliveredEvent) (more bool)) error
	Replay(ctx context.Context, route string, pick func(broker.UndeliveredEvent) bool) (int, error)
	Discard(ctx context.Context, route string, pick func(broker.UndeliveredEvent) bool) (int, error)
}

// Retrier visits the failing events of a route, and lets the picked ones have their next attempt now. It returns their number.
type Retrier interface {
	RetryNow(ctx context.Context, route string, pick func(broker.StoredDelivery) bool) (int, error)
}

// Redeliverer gives a stored event to routes again, as new, also if it is done.
type Redeliverer interface {
	Redeliver(ctx context.Context, e event.Event, routes []string) error
}

// Journal finds recorded events, and how their attempts ended. *journal.Store is one.
type Journal interface {
	Events(ctx context.Context, f journal.Filter, p journal.Page) (events []journal.Summary, next string, err error)
	ByKey(ctx context.Context, k journal.Key) (journal.Detail, error)
	Outcomes
}

// Outcomes tells how the attempts of an event ended.
type Outcomes interface {
	// Attempts returns the attempts of an event that have ended, and none if it knows no event with the key.
	Attempts(ctx context.Context, k journal.Key) ([]journal.Attempt, error)
	// Changed returns a channel that is closed when there are further attempts.
	Changed() <-chan struct{}
}

// Parts are the broker and the journal, as far as jobs use them. A part that is nil refuses the selections and options that need it.
type Parts struct {
	Undelivered Undelivered
	Retrier     Retrier
	Redeliverer Redeliverer
	// Journal is nil if the journal is off: a job then counts an event as done when it has been acted on, no job can be proved, and there is
	// no replay of recorded events.
	Journal Journal
	// Joined returns how many events have ever failed on a route for a cause (empty: for any), and when the last one did. Nil: not known,
	// and no job counts new failures.
	Joined func(ctx context.Context, route, cause string) (n int64, last time.Time, err error)
	// Routes are the names of all routes, for selections that name none.
	Routes []string
	// Matches reports whether a route matches a routing key now. Nil: not known.
	Matches func(key string) bool
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	Log *zap.Logger // nil: none
}

// complete sets the defaults.
func (p *Parts) complete() {
	if p.Now == nil {
		p.Now = time.Now
	}
	if p.Log == nil {
		p.Log = zap.NewNop()
	}
}
