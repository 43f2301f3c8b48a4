package ledger

import (
	"maps"
	"time"
)

// Reasons why counting began anew.
const (
	// ReasonReplaced: the stream of the notes is another one than before.
	ReasonReplaced = "the ledger's stream was deleted and made again"
	// ReasonTrimmed: the stream has dropped notes that are in no readable summary.
	ReasonTrimmed = "the ledger's stream begins later than its first note, and no summary holds the earlier ones"

	reasonDropped = "a process gave notes up, because RabbitMQ could not store them for too long"
	reasonMissing = "the ledger lacks messages that a running process has written"
)

// Anew returns an empty book that begins because of reason. It keeps the numbers of the events that audits counted as unaccounted.
func (b *Book) Anew(reason string) *Book {
	next := NewBook()
	for name, t := range b.routes {
		if t.unaccounted > 0 {
			next.routes[name] = &tally{route: name, accepted: t.unaccounted, unaccounted: t.unaccounted, lost: t.unaccounted}
		}
		if t.external.declared {
			next.declareExternal(name, true)
		}
	}
	maps.Copy(next.spools, b.spools) // their processes report them again, if they run
	next.BeginAnew(reason)
	return next
}

// BeginAnew says of an empty book that it lacks earlier notes because of reason.
func (b *Book) BeginAnew(reason string) {
	b.anew, b.strangers = reason, true
}

// BeganAnew reports whether counting began anew, and nobody has acknowledged it.
func (b *Book) BeganAnew() bool { return b.anew != "" }

// Lost returns the number of unaccounted events that are in no queue for sure: those from before counting began anew, and those of spools.
func (b *Book) Lost() (n int64) {
	for _, t := range b.routes {
		n += t.lost
	}
	for _, s := range b.spools {
		n += s.counts.Unaccounted() + s.lacking
	}
	return n
}

// Counted keeps the numbers of unaccounted events by route that an audit has found. They stay when counting begins anew.
func (b *Book) Counted(unaccounted map[string]int64) {
	for name, t := range b.routes {
		t.unaccounted = unaccounted[name]
	}
}

// Skip counts a message that this version cannot read.
func (b *Book) Skip(offset int64) {
	if offset > b.newerAt {
		b.newerAt = offset
		b.newer++
	}
}

// missMessages begins to count anew, because a process wrote messages that are not in the ledger. The open events stay if the process is
// new to the book: then its messages are missing before the first of the book.
func (b *Book) missMessages(known bool, at time.Time) {
	switch {
	case known:
		b.restart(reasonMissing, at)
	case !b.strangers && b.anew == "":
		b.anew = reasonMissing
	}
}

// restart begins to count anew, because the ends of open events may be among lost notes.
func (b *Book) restart(reason string, at time.Time) {
	for _, e := range b.open {
		e.accepted -= e.deliveries()
	}
	clear(b.open)
	for _, t := range b.routes {
		t.accepted -= t.unkeyed.open
		t.keyed, t.unkeyed = 0, unkeyedTally{}
		t.accepted += t.unaccounted - t.lost
		t.lost = t.unaccounted
	}
	b.since, b.anew = at, reason
}
