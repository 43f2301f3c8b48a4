package receiver

import "github.com/hookline/hookline/broker"

// Counter takes note of what came to of the requests for a source, for the audit. It is safe for concurrent use, and
// does not wait for a disk or a network.
type Counter interface {
	// Count adds one to a number of a source: broker.CountReceived, or why a request was not stored, which is one of
	// some twenty words.
	Count(source, what string)
}

// uncounted counts nothing.
type uncounted struct{}

func (uncounted) Count(string, string) {}

// audit counts a request before it is answered. A stranger who names no source fills no table, and an answered handshake
// brings no event; all others are received, and stored or not for a reason.
func (rc *Receiver) audit(s *source, a *answer) {
	if s == rc.nobody || a.reason == handshakeAnswered {
		return
	}
	rc.config.Counter.Count(s.name, broker.CountReceived)
	if a.reason != "" {
		rc.config.Counter.Count(s.name, a.reason)
	}
}
