// Package event holds the two types that Hookline carries: Event is one webhook as it was received, and Delivery is one
// attempt to handle an event on one route.
//
// It imports the standard library only, so that handlers need no other dependency.
package event

import "time"

// Event is one webhook that a receiver has stored. It never changes.
type Event struct {
	// ID stays the same over the sender's retries, redeliveries and replays. ID, Source and Action together identify the
	// event. It has 1 to MaxID bytes of printable ASCII without spaces; see NewID.
	ID string
	// Source is the sender's name in the configuration; see CheckSource.
	Source string
	// Action names the kind of event, such as "job_end" or "loan.loan_created", in lower case for a routing key; see
	// NewAction.
	Action string
	// Time is the time of receipt in UTC, to the millisecond.
	Time time.Time
	// ContentType is the sender's Content-Type header, unchecked and possibly empty.
	ContentType string
	// Header holds the request headers that the source keeps, by canonical name ("X-Github-Event").
	Header map[string]string
	// Data is the request's body, byte for byte as it was signed. If the source redacts events, Header has
	// Hookline-Redacted, which lists the removed parts of the body.
	Data []byte
}

// Key returns the routing key "<source>.<action>", at most MaxKey bytes.
func (e Event) Key() string { return e.Source + "." + e.Action }

// Delivery is one attempt to handle an event on one route.
type Delivery struct {
	Event Event
	// Route is the name of the route whose queue delivered the event.
	Route string
	// Attempt counts the attempts for this event on this route, from 1. Attempts that a stop interrupted are left out.
	Attempt int
	// Redelivered is true if this attempt was delivered before and ended without an outcome, because the worker process
	// or its connection to the broker ended. The handler may have seen it then. A worker counts this attempt as failed, so
	// a handler always sees false. It is false, too, after a stop, though a handler may have begun with the event.
	Redelivered bool
	// GivenUp is true if a worker gave the event up before, and the queue of its dead letters refused it. A worker then gives it up again, so a
	// handler always sees false.
	GivenUp bool
}
