// Package ledger keeps account of stored events by what processes note about them: accepted here, done there. What was
// accepted and is not finished has to be somewhere.
//
// It is arithmetic on notes and imports the standard library only; how notes travel is a line's business.
package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Version is that of the wire form: messages of another one cannot be read.
const Version = 1

// Kind says what has happened to events.
type Kind string

// The kinds of notes.
const (
	Accepted  Kind = "accepted"  // answered 200 and stored, for each of the routes; without routes: unrouted
	Retrying  Kind = "retrying"  // put away until another attempt
	Routed    Kind = "routed"    // was unrouted, and was stored for each of the routes
	Done      Kind = "done"      // finished by the route
	Discarded Kind = "discarded" // removed by somebody's decision; without routes: from the unrouted
)

// final tells whether a note takes an event out of the books.
func (k Kind) final() bool { return k == Done || k == Discarded }

// Note says that the same has happened to some events of one source and action.
type Note struct {
	Kind   Kind     `json:"kind"`
	Source string   `json:"source"`
	Action string   `json:"action"`
	Routes []string `json:"routes,omitempty"`
	IDs    []string `json:"ids"` // of events
	// Taken is when a receiver took these accepted events, to the second, in Unix ms, if that is longer ago than a minute, as of what was
	// spooled; 0: about when the message was written.
	Taken int64 `json:"taken,omitempty"`
}

// Notes is one message: what one process has noted since its last one. As JSON it is the wire form.
type Notes struct {
	Version int    `json:"version"`
	Process string `json:"process"` // unique for every start of a process
	Number  int64  `json:"number"`  // of this process's messages, from 1; one that was sent again has the same
	Time    int64  `json:"time"`    // unix ms

	Notes []Note `json:"notes,omitempty"`
	// Held is how many deliveries of each route the process has and has not settled; "" are the unrouted. Running is how
	// many of them are worked on.
	Held    map[string]int64 `json:"held,omitempty"`
	Running map[string]int64 `json:"running,omitempty"`
	// Counts is what was counted since the last message, by source and by what.
	Counts map[string]map[string]int64 `json:"counts,omitempty"`
	// Spool names a spool for good, over restarts; Spooled is how many events of each source are in it now.
	Spool   string           `json:"spool,omitempty"`
	Spooled map[string]int64 `json:"spooled,omitempty"`
	// Lost is how many notes were given up since the last message: what was open may be finished.
	Lost int64 `json:"lost,omitempty"`
}

// Encode writes the wire form.
func (n Notes) Encode() []byte {
	n.Version = Version
	text, err := json.Marshal(n)
	if err != nil {
		panic(err) // strings and numbers only
	}
	return text
}

// Decode reads the wire form.
func Decode(text []byte) (Notes, error) {
	var n Notes
	if err := json.Unmarshal(text, &n); err != nil {
		return Notes{}, fmt.Errorf("ledger: %w", err)
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
