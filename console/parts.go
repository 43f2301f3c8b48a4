package console

import (
	"context"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
)

// Parts are the things that the pages show and act on.
type Parts struct {
	Auditor   Auditor                            // counts where each event is
	Inspector broker.Inspector                   // counts the events in each queue
	Pausing   Pausing                            // knows which routes have paused themselves; nil: unknown
	API       http.Handler                       // answers below /api/; nil: nothing is there
	Journal   Journal                            // has the history of events; nil: there is none
	Jobs      Jobs                               // does bulk actions; nil: nobody can
	Pauser    broker.Pauser                      // pauses routes for people; nil: nobody can
	Matches   func(key string) (routes []string) // finds the routes that take a routing key now; nil: not known
	Sources   []Source
	Routes    []Route

	Broker  string // its name in sentences: RabbitMQ, or the embedded broker
	Version string // of the program
	Log     *zap.Logger
	Now     func() time.Time // nil: time.Now
}

// Auditor counts all stored events; it is part of broker.Auditor.
type Auditor interface {
	Audit(ctx context.Context) (broker.Audit, error)
}

// Pausing knows which routes have paused themselves for a source, because its latest events failed.
type Pausing interface {
	Paused(ctx context.Context) ([]PausedSource, error)
}

// PausedSource is a source whose events wait on a route.
type PausedSource struct {
	Route, Source string
	Error         string    // of the last event
	Since         time.Time // begin of the pause
	Next          time.Time // of the next try; zero: it has begun
}

// Source is a sender, as the configuration describes it.
type Source struct {
	Name string
	Does string // in words: "Alma", "GitHub", "the clock, daily at 02:00"
	URL  string // to which it sends; empty for the clock
}

// Route is a route, as the configuration describes it.
type Route struct {
	Name    string
	Match   []string // topic patterns
	Where   string   // condition on the content; empty: none
	Handler string   // kind
	Does    string   // in words, beside the kind: "to data/export"; may be empty
}
