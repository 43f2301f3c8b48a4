package worker

import (
	"sync"
	"time"
)

// ReasonRefused is the reason of a PausedSource that stands for a route's dead letters.
const ReasonRefused = "dead letters refused"

// refusedFor is for how long a refusal counts. The broker tries the dead letter again each minute, maybe in another process.
const refusedFor = 2 * time.Minute

// refusedLetters remembers that the queue of a route's dead letters refuses them. It is safe for concurrent use.
type refusedLetters struct {
	route string

	mu            sync.Mutex
	err           error // of the latest dead letter; nil: it was stored
	since, latest time.Time
}

// set notes that a dead letter was refused, or with nil that it was stored.
func (r *refusedLetters) set(refused error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if r.err == nil || now.Sub(r.latest) > refusedFor {
		r.since = now
	}
	r.err, r.latest = refused, now
}

// state returns the refusal, if it is one of the last refusedFor.
func (r *refusedLetters) state(now time.Time) []PausedSource {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil || now.Sub(r.latest) > refusedFor {
		return nil
	}
	return []PausedSource{{
		Route: r.route, Since: r.since.UTC(), NextTry: r.latest.Add(time.Minute).UTC(), Reason: ReasonRefused, Error: errorText(r.err),
	}}
}
