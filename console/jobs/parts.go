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

// Recorded is an event of the journal.
type Recorded struct {
	Key   journal.Key
	Bytes int       // of the body
	Last  time.Time // start of its newest attempt on any route; zero: none
}

// History finds recorded events.
type History interface {
	// Select visits the events of a selection from the journal, newest first, until visit returns false.
	Select(ctx context.Context, s Selection, visit func(Recorded) (more bool)) error
	// Recorded returns the whole event, and an error that says why if the journal has it no more, or has no body of it.
	Recorded(ctx context.Context, k journal.Key) (event.Event, error)
}

// Outcomes tells how attempts ended, in the order in which the journal took them in.
type Outcomes interface {
	// Ended returns attempts behind a cursor, oldest first, at most limit, and the cursor of the last one. The first cursor is 0.
	Ended(ctx context.Context, after int64, limit int) (attempts []journal.Attempt, next int64, err error)
	// Newest returns the cursor of the newest attempt, and 0 if there is none.
	Newest(ctx context.Context) (int64, error)
	// Changed returns a channel that is closed when further attempts can be there.
	Changed() <-chan struct{}
}

// Parts are what jobs act with. A part that is nil refuses the selections and options that need it.
type Parts struct {
	Undelivered Undelivered
	Retrier     Retrier
	Redeliverer Redeliverer
	History     History
	Outcomes    Outcomes // nil: a job counts an event as done when it has been acted on, and no job can be proved
	// Routes are the names of all routes, for selections that name none.
	Routes []string
	// Matches reports whether a route matches a routing key now. Nil: not known.
	Matches func(key string) bool
	// Cause returns the part of an error that failures of one cause share. Nil: the whole error.
	Cause func(err string) string
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	Log *zap.Logger // nil: none
}

// complete sets the defaults.
func (p *Parts) complete() {
	if p.Cause == nil {
		p.Cause = func(err string) string { return err }
	}
	if p.Now == nil {
		p.Now = time.Now
	}
	if p.Log == nil {
		p.Log = zap.NewNop()
	}
}
