package worker

import (
	"errors"
	"fmt"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/jsonbody"
	"github.com/hookline/hookline/pkg/setting"
)

// Limits of a route.
const (
	// MaxTimeout is the longest timeout of a route. RabbitMQ takes back a delivery after 30 minutes, and in a client that
	// has just reconnected a delivery waits for up to two others.
	MaxTimeout = 9 * time.Minute
	// MaxDelay is the longest delay of a retry, both configured and from handler.RetryAfter.
	MaxDelay = broker.MaxDelay
	// MaxConcurrency is the largest number of events of one route that a process works on at once.
	MaxConcurrency = 1000
)

// DefaultGrace is the default of Config.Grace. Together with the wait for handlers that ignore their context it is shorter
// than the 30 seconds of Kubernetes.
const DefaultGrace = 20 * time.Second

// Config is the configuration of a Worker.
type Config struct {
	// Routes to work on, each name once. Without routes the worker does nothing.
	Routes []Route
	// Grace is the time that running handlers have after the stop, before their contexts end. With 0 they end at once.
	Grace time.Duration
	// Decoding bounds the memory of the values that Where and handlers decode; nil: no bound.
	Decoding *jsonbody.Budget
	// Journal is told of every attempt that has ended. nil: there is no journal.
	Journal Journal
}

// Route is a queue, and the work on its events.
type Route struct {
	broker.Route `yaml:",inline"`
	// Sources names the configured sources whose events can match. Each pauses on its own; the others are one together.
	Sources []string `yaml:"-"`
	// Where is an expression that chooses among the matching events; the others are done without the handler. Default: all events.
	Where *Filter `yaml:"where,omitempty"`
	// Handler does the work.
	Handler handler.Handler `yaml:"-"`
	// Timeout is the longest time for one event, at most 9m.
	Timeout time.Duration `yaml:"timeout"`
	// Retry says when and how often a failed event is tried again.
	Retry Retry `yaml:"retry"`
	// Pause says when the route stops for a source for a while because the source's events fail; they wait meanwhile.
	Pause Pause `yaml:"pause,omitempty"`
}

// Retry says when a failed event is tried again: after First, and then after twice the delay each time, up to Max. Each
// delay changes by a random part of at most a fifth, so that events that fail together come back at different times.
//
// An attempt that a crash or a lost connection to the broker ended counts, too. But it makes the event a dead letter at the
// third attempt at the earliest, and the next attempt comes up to 30 seconds later than after other failures.
type Retry struct {
	// Attempts is how often an event is tried in all, the first try included. After crashes and lost connections it is tried 3 times at least.
	Attempts int `yaml:"attempts" schema:"minimum=1"`
	// First is the delay before the second try; it doubles each time.
	First time.Duration `yaml:"first"`
	// Max is the longest delay: from first to 24h.
	Max time.Duration `yaml:"max"`
}

// MarshalYAML returns the retries in one line.
func (r Retry) MarshalYAML() (any, error) {
	return fmt.Sprintf("%d attempts, %s to %s apart", r.Attempts, r.First, r.Max), nil
}

// Pause says when a route stops taking the events of a source because they fail, and for how long. Errors, timeouts and panics
// count as failures; permanent errors and failed filters do not. The source's events wait meanwhile instead of becoming dead
// letters, and the events of other sources go on.
type Pause struct {
	// Ratio is the part of a source's latest events that has to fail: more than 0, at most 1.
	Ratio float64 `yaml:"ratio" schema:"exclusiveMinimum=0; maximum=1"`
	// Of is how many latest events count; 0: the route never pauses.
	Of int `yaml:"of" schema:"minimum=0; maximum=1000"`
	// First is the time until one event is tried; it doubles each time that the event fails.
	First time.Duration `yaml:"first"`
	// Max is the longest such time: from first to 24h.
	Max time.Duration `yaml:"max"`
}

// MaxPauseOf is the largest Pause.Of.
const MaxPauseOf = 1000

// IsZero reports whether the route never pauses.
func (p Pause) IsZero() bool { return p.Of == 0 }

// MarshalYAML returns the pause in one line.
func (p Pause) MarshalYAML() (any, error) {
	return fmt.Sprintf("when %g of the latest %d events fail, %s to %s", p.Ratio, p.Of, p.First, p.Max), nil
}

func (p Pause) check(errs *setting.Errors) {
	if !(p.Ratio > 0 && p.Ratio <= 1) {
		errs.Addf("pause.ratio", "is %v; must be more than 0 and at most 1, which is all", p.Ratio)
	}
	if p.Of < 0 || p.Of > MaxPauseOf {
		errs.Addf("pause.of", "is %d; must be 1 to %d, or 0 for no pause", p.Of, MaxPauseOf)
	}
	if p.First <= 0 {
		errs.Addf("pause.first", "is %v; must be more than 0", p.First)
	}
	if p.Max < p.First || p.Max > MaxDelay {
		errs.Addf("pause.max", "is %v; must be pause.first (%v) to %v", p.Max, p.First, MaxDelay)
	}
}

// Defaults returns the defaults of a route: 4 events at once with 30 seconds each. A failed event has 20
// attempts from 1 second to 1 hour apart, which is about 8 hours: an outage of a night. The route pauses for a source for 10
// seconds to 10 minutes when 16 of its latest 20 events have failed.
func Defaults() Route {
	return Route{
		Route:   broker.Route{Concurrency: 4},
		Timeout: 30 * time.Second,
		Retry:   Retry{Attempts: 20, First: time.Second, Max: time.Hour},
		Pause:   Pause{Ratio: 0.8, Of: 20, First: 10 * time.Second, Max: 10 * time.Minute},
	}
}

func (c Config) check() error {
	var errs []error
	if c.Grace < 0 {
		errs = append(errs, fmt.Errorf("grace %v: must not be negative", c.Grace))
	}
	seen := map[string]bool{}
	for _, r := range c.Routes {
		if seen[r.Name] {
			errs = append(errs, fmt.Errorf("route %q: named twice", r.Name))
		}
		seen[r.Name] = true
		for _, field := range setting.Fields(r.Check()) {
			errs = append(errs, fmt.Errorf("routes.%s.%w", r.Name, field))
		}
	}
	return errors.Join(errs...)
}

// Check joins one setting.FieldError for each mistake in the route.
func (r Route) Check() error {
	var errs setting.Errors
	errs.Add("match", r.Route.Check())
	if r.Concurrency < 1 || r.Concurrency > MaxConcurrency {
		errs.Addf("concurrency", "is %d; must be 1 to %d", r.Concurrency, MaxConcurrency)
	}
	if r.Handler == nil {
		errs.Addf("handler", "is missing")
	}
	if r.Timeout <= 0 || r.Timeout > MaxTimeout {
		errs.Addf("timeout", "is %v; must be more than 0 and at most %v", r.Timeout, MaxTimeout)
	}
	if r.Retry.Attempts < 1 {
		errs.Addf("retry.attempts", "is %d; must be at least 1, which is no retry", r.Retry.Attempts)
	}
	if r.Retry.First <= 0 {
		errs.Addf("retry.first", "is %v; must be more than 0", r.Retry.First)
	}
	if r.Retry.Max < r.Retry.First || r.Retry.Max > MaxDelay {
		errs.Addf("retry.max", "is %v; must be retry.first (%v) to %v", r.Retry.Max, r.Retry.First, MaxDelay)
	}
	r.Pause.check(&errs)
	return errs.Err()
}
