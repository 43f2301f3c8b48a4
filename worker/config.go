package worker

import (
	"errors"
	"fmt"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/handler"
)

// Limits of a route.
const (
	// MaxTimeout is the longest timeout of a route. RabbitMQ takes back what was not settled for 30 minutes; a delivery
	// waits for up to two others before it runs, in a client that has just connected again.
	MaxTimeout = 9 * time.Minute
	// MaxDelay is the longest wait before a retry, whether configured or asked for by handler.RetryAfter.
	MaxDelay = broker.MaxDelay
	// MaxConcurrency is how many events of one route a process works on at once, at most.
	MaxConcurrency = 1000
)

// DefaultGrace is the Config.Grace of a program whose user says nothing: together with the wait for handlers that
// ignore their context it stays under the 30 seconds that Kubernetes gives.
const DefaultGrace = 20 * time.Second

// Config is what a Worker is made of.
type Config struct {
	// Routes to work on; at least one, each name once.
	Routes []Route
	// Grace is how long running handlers may go on after the stop, before their contexts end. Zero: not at all.
	Grace time.Duration
}

// Route is a queue and what is done with its events.
type Route struct {
	broker.Route
	// Where chooses the events that reach the handler; the others are done without it. Nil: all of them.
	Where *Filter
	// Handler does the work.
	Handler handler.Handler
	// Timeout bounds one call of Handler; more than 0, at most MaxTimeout.
	Timeout time.Duration
	// Retry says when and how often a failed event is tried again.
	Retry Retry
	// Pause says when the route stops for a while, since its events fail.
	Pause Pause
}

// Retry says when a failed event is tried again: after First, then twice as long each time up to Max, each delay
// moved by a random part of at most a fifth, so that what failed together does not come back together.
//
// An attempt that is cut off, since its process or the connection to its line ended, counts; but an event is given up
// for that at its third attempt at the earliest, and comes back up to 30 seconds later than after other failures.
type Retry struct {
	Attempts int           `yaml:"attempts"` // tries in all, the first included; at least 1
	First    time.Duration `yaml:"first"`    // more than 0
	Max      time.Duration `yaml:"max"`      // from First to MaxDelay
}

// Defaults is a route as it is when its user says nothing but its name, patterns and handler: 4 at once,
// 30 seconds each, 20 attempts from 1 second to 1 hour apart, which is about 8 hours: a night's outage; paused for 10
// seconds to 10 minutes when 16 of its latest 20 events failed.
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
	if len(c.Routes) == 0 {
		errs = append(errs, errors.New("no routes: a worker needs at least one"))
	}
	if c.Grace < 0 {
		errs = append(errs, fmt.Errorf("grace %v: must not be negative", c.Grace))
	}
	seen := map[string]bool{}
	for _, r := range c.Routes {
		if seen[r.Name] {
			errs = append(errs, fmt.Errorf("route %q: named twice", r.Name))
		}
		seen[r.Name] = true
		errs = append(errs, r.Check())
	}
	return errors.Join(errs...)
}

// FieldError says what is wrong with one field of a route.
type FieldError struct {
	Route string
	Field string // as in the configuration file, such as retry.max
	Err   error
}

func (e *FieldError) Error() string {
	return fmt.Sprintf("routes.%s.%s: %v", e.Route, e.Field, e.Err)
}

func (e *FieldError) Unwrap() error { return e.Err }

// Check tells everything that is wrong with the route: a FieldError each, joined.
func (r Route) Check() error {
	var errs []error
	wrong := func(field, format string, args ...any) {
		errs = append(errs, &FieldError{r.Name, field, fmt.Errorf(format, args...)})
	}
	if err := r.Route.Check(); err != nil {
		wrong("match", "%w", err)
	}
	if r.Concurrency < 1 || r.Concurrency > MaxConcurrency {
		wrong("concurrency", "is %d; must be 1 to %d", r.Concurrency, MaxConcurrency)
	}
	if r.Handler == nil {
		wrong("handler", "is missing")
	}
	if r.Timeout <= 0 || r.Timeout > MaxTimeout {
		wrong("timeout", "is %v; must be more than 0 and at most %v", r.Timeout, MaxTimeout)
	}
	if r.Retry.Attempts < 1 {
		wrong("retry.attempts", "is %d; must be at least 1, which is no retry", r.Retry.Attempts)
	}
	if r.Retry.First <= 0 {
		wrong("retry.first", "is %v; must be more than 0", r.Retry.First)
	}
	if r.Retry.Max < r.Retry.First || r.Retry.Max > MaxDelay {
		wrong("retry.max", "is %v; must be retry.first (%v) to %v", r.Retry.Max, r.Retry.First, MaxDelay)
	}
	r.Pause.check(wrong)
	return errors.Join(errs...)
}
