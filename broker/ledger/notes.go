// Package ledger accounts for stored events. Each process writes notes about events: accepted here, done there. A Book adds
// the notes up: an event that is accepted and not finished is open, and must be in a queue or in a process.
//
// The package is arithmetic on notes and imports the standard library only. Package rabbitmq transports the notes.
package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Version is the version of the wire form. Decode and ReadSummary refuse messages of another version.
const Version = 1

// Kind is the change that a note reports.
type Kind string

// The kinds of notes.
const (
	Accepted  Kind = "accepted"  // answered 200 and stored, for each of the routes; without routes: unrouted
	Partly    Kind = "partly"    // stored for these of its routes; the queues of others refused the event, and have notes of their own later
	Retrying  Kind = "retrying"  // waits for another attempt
	Routed    Kind = "routed"    // an unrouted event was stored for each of the routes
	Done      Kind = "done"      // the route finished the event
	Discarded Kind = "discarded" // a person removed the event; without routes: from the unrouted
	Moved     Kind = "moved"     // a person made an event of the routes an unrouted one

	Redelivering Kind = "redelivering" // a person is about to give the event to the routes again
	Redelivered  Kind = "redelivered"  // a person has stored the event again, for each of the routes; its earlier deliveries may be open still
)

// final reports whether a note of this kind closes an event.
func (k Kind) final() bool { return k == Done || k == Discarded }

// Note reports one change of several events with the same source and action.
type Note struct {
	Kind   Kind     `json:"kind"`
	Source string   `json:"source"`
	Action string   `json:"action"`
	Routes []string `json:"routes,omitempty"`
	IDs    []string `json:"ids"` // of events
	// Counted is set in the one note of kind Partly of an event that counts it for its source.
	Counted bool `json:"counted,omitempty"`
	// Lacking are the matching routes whose queues refused the event, in a note of kind Partly.
	Lacking []string `json:"lacking,omitempty"`
	// Taken is the time at which a receiver took accepted events, in Unix ms, to the second. It is set if that was more than a minute
	// before the note, as for spooled events; 0 means the time of the message.
	Taken int64 `json:"taken,omitempty"`
}

// Notes is one message: all notes of one process since its previous message. Its JSON is the wire form.
type Notes struct {
	Version int    `json:"version"`
	Process string `json:"process"` // unique for every start of a process
	Number  int64  `json:"number"`  // of this process's messages, from 1; a repeated message has the same number
	Time    int64  `json:"time"`    // unix ms

	Notes []Note `json:"notes,omitempty"`
	// Held counts the unsettled deliveries of the process by route; "" is the route of the unrouted. Running counts those
	// in a handler.
	Held    map[string]int64 `json:"held,omitempty"`
	Running map[string]int64 `json:"running,omitempty"`
	// Counts are the requests since the previous message, by source and by result.
	Counts map[string]map[string]int64 `json:"counts,omitempty"`
	// Spool names the spool of the process; the name outlasts restarts. Spooled counts the events in it by source.
	Spool   string           `json:"spool,omitempty"`
	Spooled map[string]int64 `json:"spooled,omitempty"`
	// SpoolCounts are the cumulative numbers of the spool.
	SpoolCounts *SpoolCounts `json:"spool_counts,omitempty"`
	// Lost counts the notes that the process gave up since its previous message: events that look open may be finished.
	Lost int64 `json:"lost,omitempty"`
	// Acknowledged says that a person has taken note of a ledger that counts anew.
	Acknowledged bool `json:"acknowledged,omitempty"`

	// Bindings are the routes of the process's configuration, with their patterns: in its first message on each connection, and
	// each BeatInterval.
	Bindings Bindings `json:"bindings,omitempty"`
	// External names the routes of Bindings whose events a program of somebody else consumes.
	External []string `json:"external,omitempty"`
	// Unbound are the bindings that the process has removed.
	Unbound Bindings `json:"unbound,omitempty"`
	// Stopped says that the process ends; this is its last message.
	Stopped bool `json:"stopped,omitempty"`
}

// Encode returns the wire form.
func (n Notes) Encode() []byte {
	n.Version = Version
	text, err := json.Marshal(n)
	if err != nil {
		panic(err) // strings and numbers only
	}
	return text
}

// ErrNewer reports a message of a newer version.
var ErrNewer = errors.New("ledger: a message of a newer Hookline")

// Decode reads the wire form. Its error wraps ErrNewer for JSON of a newer version. It also returns an error for JSON without a version,
// a process or a number.
func Decode(text []byte) (Notes, error) {
	var n Notes
	if err := json.Unmarshal(text, &n); err != nil {
		return Notes{}, fmt.Errorf("ledger: %w", err)
	}
	if n.Version > Version {
		return Notes{}, fmt.Errorf("%w: version %d", ErrNewer, n.Version)
	}
	if n.Version != Version {
		return Notes{}, fmt.Errorf("ledger: notes of version %d, not %d", n.Version, Version)
	}
	if n.Process == "" || n.Number < 1 {
		return Notes{}, errors.New("ledger: notes without process or number")
	}
	return n, nil
}

func (n Notes) time() time.Time { return time.UnixMilli(n.Time).UTC() }
