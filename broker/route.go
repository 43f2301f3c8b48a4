package broker

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/hookline/hookline/pkg/setting"
)

// Route is a queue, the patterns of its bindings, and the number of its events that one process handles at once.
type Route struct {
	// Name has 1 to MaxRoute bytes of [a-z0-9_-].
	Name string `yaml:"-"`
	// Match are topic patterns over <source>.<action>[.<event>], such as alma.#, *.job_end or #. An event that matches several is delivered
	// once.
	Match setting.List `yaml:"match,flow" schema:"required; minItems=1"`
	// Concurrency is how many events one process works on at once. Large events can be fewer, because a route has a share of the
	// process's memory: see docs/how-to/scale.md.
	Concurrency int `yaml:"concurrency" schema:"minimum=1; maximum=1000"`
	// External is for a queue on RabbitMQ that a program of yours consumes, and no worker. Such a route has match and no other key.
	External bool `yaml:"external,omitempty"`
}

// MaxRoute is the longest name of a route in bytes. It keeps queue names under AMQP's 255 bytes.
const MaxRoute = 100

var routeName = regexp.MustCompile(`^[a-z0-9_-]+$`)

// CheckRoutes returns every error in the routes of one broker.
func CheckRoutes(routes []Route) error {
	var errs []error
	seen := map[string]bool{}
	for _, r := range routes {
		errs = append(errs, r.Check())
		if seen[r.Name] {
			errs = append(errs, fmt.Errorf("route %q exists twice", r.Name))
		}
		seen[r.Name] = true
	}
	return errors.Join(errs...)
}

// Check returns every error in the route.
func (r Route) Check() error {
	var errs []error
	if len(r.Name) > MaxRoute || !routeName.MatchString(r.Name) {
		errs = append(errs, fmt.Errorf("route %q: a name has 1 to %d of the characters a-z 0-9 _ -", r.Name, MaxRoute))
	}
	if len(r.Match) == 0 {
		errs = append(errs, fmt.Errorf(`route %q: match is empty; "#" matches everything`, r.Name))
	}
	for _, pattern := range r.Match {
		if err := CheckPattern(pattern); err != nil {
			errs = append(errs, fmt.Errorf("route %q: %w", r.Name, err))
		}
	}
	return errors.Join(errs...)
}
