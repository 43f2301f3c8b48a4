// Package journal keeps the history of events, for people: each event that was stored, and each attempt that ended. It can be searched. The broker
// stays the truth about where an event is.
//
// A Recorder collects the records of one process and hands them on in batches, beside the path of an event: it never waits, and it drops
// records rather than memory. A Store keeps them in an SQLite file.
package journal

import (
	"time"

	"github.com/hookline/hookline/pkg/event"
)

// Key identifies one stored event: the event's time of receipt tells apart two events of a sender that repeats its IDs.
type Key struct {
	Source, Action, ID string
	Time               time.Time
}

// KeyOf returns the key of an event.
func KeyOf(e event.Event) Key {
	return Key{Source: e.Source, Action: e.Action, ID: e.ID, Time: e.Time}
}

// Stored is the record of an event that was stored.
type Stored struct {
	Event    event.Event // as stored; redacted, if its source redacts
	Unrouted bool        // it matched no route
	Secret   string      // label of the secret that fitted; empty for events without a signature
	Process  string      // that stored it
	Omitted  int64       // bytes of the body, if it was too large and Event.Data is empty; else 0
}

// Outcome is the end of an attempt.
type Outcome string

// The outcomes of attempts; package worker names them alike.
const (
	Done     Outcome = "done"
	Filtered Outcome = "filtered" // the route's where left the event out
	Retried  Outcome = "retried"  // failed; another attempt follows
	Dead     Outcome = "dead"     // failed; the event is a dead letter of the route now
	Requeued Outcome = "requeued" // interrupted; it does not count as an attempt
)

// Attempt is the record of an attempt that ended.
type Attempt struct {
	Key      Key
	Route    string
	Number   int           // from 1
	Start    time.Time     // when the worker received the delivery
	Duration time.Duration // from Start to the outcome
	Outcome  Outcome
	Reason   string    // of a failed attempt: of package worker's closed list
	Error    string    // of a failed attempt, safe for people to read
	Process  string    // the worker
	Next     time.Time // of a retried attempt: the earliest time of the next one
}

// Batch is a number of records of one process, in their order.
type Batch struct {
	Process string // unique for each start of a process
	Number  int64  // counts the batches of a process from 1, so that a reader sees a gap
	Lost    int64  // records that the process dropped since its last batch
	Stored  []Stored
	Ended   []Attempt

	Rejected []Rejected
}
