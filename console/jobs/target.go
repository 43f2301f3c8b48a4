package jobs

import (
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/journal"
)

// TargetState is the state of one target of a job.
type TargetState string

// The states of targets. Those of a plan are all left.
const (
	Left        TargetState = "left"         // its turn is to come
	Taken       TargetState = "taken"        // its turn is now; counts as waiting
	Waiting     TargetState = "waiting"      // acted on; the outcome is not known yet
	Done        TargetState = "done"         // acted on, and its attempt ended well
	FailedAgain TargetState = "failed_again" // acted on, and an attempt failed
	Skipped     TargetState = "skipped"      // not acted on; Why says the reason
)

// Target is an event that a plan has chosen, on one route.
type Target struct {
	Number int       `json:"number"` // place in the job's order, from 1
	Route  string    `json:"route"`  // broker.Unrouted for unrouted events and for those of the journal
	Source string    `json:"source"`
	Action string    `json:"action"`
	ID     string    `json:"id"`
	Time   time.Time `json:"time"` // of receipt
	// Before is the time of the latest attempt before the job: of a dead letter the time of its death.
	Before   time.Time   `json:"before,omitzero"`
	Attempts int         `json:"attempts,omitempty"` // before the job
	State    TargetState `json:"state"`
	Why      string      `json:"why,omitempty"`    // of Skipped: the reason; of FailedAgain: the error
	Acted    time.Time   `json:"acted,omitzero"`   // begin of the act
	Changed  time.Time   `json:"changed,omitzero"` // of the state

	fingerprint broker.Fingerprint
}

// targetKey identifies a target within a job.
type targetKey struct {
	fingerprint broker.Fingerprint
	time        int64 // of receipt, in milliseconds since 1970
	route       string
}

func (t Target) key() targetKey { return targetKey{t.fingerprint, t.Time.UnixMilli(), t.Route} }

// journalKey returns the name of the target's event in the journal.
func (t Target) journalKey() journal.Key {
	return journal.Key{Source: t.Source, Action: t.Action, ID: t.ID, Time: t.Time}
}

func keyOf(d broker.StoredDelivery) targetKey {
	return targetKey{broker.FingerprintOf(d.Event), d.Event.Time.UnixMilli(), d.Route}
}

func targetOf(d broker.StoredDelivery) Target {
	return Target{
		Route: d.Route, Source: d.Event.Source, Action: d.Event.Action, ID: d.Event.ID, Time: d.Event.Time,
		Before: d.Died, Attempts: d.Attempts, State: Left, fingerprint: broker.FingerprintOf(d.Event),
	}
}

// untouched reports whether a delivery with the target's key is as it was when the plan was made: it has not failed since.
func (t Target) untouched(d broker.StoredDelivery) bool {
	return t.Before.UnixMilli() == d.Died.UnixMilli() && t.Attempts == d.Attempts
}

// follows reports whether an attempt comes after the target was chosen. Workers tell both times; that of a death has milliseconds.
func (t Target) follows(a journal.Attempt) bool {
	if t.Before.IsZero() {
		return a.Number > t.Attempts
	}
	return a.Start.Truncate(time.Millisecond).After(t.Before)
}
