// Package event holds what Hookline carries: one webhook as it was received, and one try to hand it to a handler.
//
// It imports the standard library only, so that a handler written by anybody depends on nothing else.
package event

import "time"

// Event is one webhook that a receiver took. It is never changed after it was stored.
type Event struct {
	// ID is stable over the sender's retries, redeliveries and replays; with Source and Action it names the event.
	// 1 to MaxID bytes of printable ASCII without spaces; see NewID.
	ID string
	// Source is who sends, as named in the configuration; see CheckSource.
	Source string
	// Action is what happened: "job_end", "loan.loan_created". Lower case, safe for a routing key; see NewAction.
	Action string
	// Time is when the receiver took the event, in UTC, to the millisecond.
	Time time.Time
	// ContentType is the sender's Content-Type header, unchecked; empty if there was none.
	ContentType string
	// Header holds the allow-listed request headers under their canonical names ("X-Github-Event").
	Header map[string]string
	// Data is the request's body, byte for byte as it was signed, unless Header has Hookline-Redacted, which says what
	// was taken out of it.
	Data []byte
}

// Key is the routing key "<source>.<action>", at most MaxKey bytes.
func (e Event) Key() string { return e.Source + "." + e.Action }

// Delivery is one try to hand an event to the handler of one route.
type Delivery struct {
	Event Event
	// Route is the name of the route whose queue brought the event.
	Route string
	// Attempt counts the tries of this event on this route, from 1. Work that a stop interrupted does not count.
	Attempt int
	// Redelivered says that this attempt was in hand before and came back without an outcome, since its process died
	// or lost its line. It may have reached the handler, so a worker counts it as failed: no handler sees it true.
	// What a stop gave back comes as new, though a handler may have begun with it.
	Redelivered bool
}
