package broker

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// MaxPauseText is the largest size in bytes of Pause.By and of Pause.Why.
const MaxPauseText = 1000

// ErrNotConsumed reports that a route is not in the configuration, or that a program of somebody else consumes it: no worker obeys there.
var ErrNotConsumed = errors.New("no worker consumes the route")

// Pause is a person's decision that workers take no events of a route.
type Pause struct {
	By    string    `json:"by"` // a name that other persons understand
	Why   string    `json:"why"`
	Since time.Time `json:"since"` // zero in a call: now
}

// Check returns an error for texts that are too long, or not valid UTF-8.
func (p Pause) Check() error {
	for name, text := range map[string]string{"the name": p.By, "the reason": p.Why} {
		if len(text) > MaxPauseText || !utf8.ValidString(text) {
			return fmt.Errorf("%s of a pause has at most %d bytes of UTF-8", name, MaxPauseText)
		}
	}
	return nil
}

// Pauser pauses routes for persons, until a person resumes them: over restarts of all processes. It is safe for concurrent use.
//
// Each worker process obeys within seconds, and a new one before it takes an event. Then it starts no more deliveries of the route, and
// returns fetched events to the queue; running handlers end as usual. Nothing counts as an attempt. New events are stored for the route.
type Pauser interface {
	// Pause pauses a route, or replaces its pause. It returns ErrNotConsumed for a route without workers.
	Pause(ctx context.Context, route string, p Pause) error
	// Resume ends the pause of a route. by is the person who resumes it. Without a pause it changes nothing.
	Resume(ctx context.Context, route string, by Pause) error
	// Pauses returns the pauses by route, also of routes that the configuration lacks.
	Pauses(ctx context.Context) (map[string]Pause, error)
}
