package ledger

import "container/list"

const (
	// maxEarly bounds earlyNotes. A receiver notes an acceptance up to a tenth of a second late; workers finish far fewer events
	// in that time.
	maxEarly = 1 << 14
	// maxRepeats bounds the further finals of an early note.
	maxRepeats = 100
)

// earlyNotes holds notes that arrived before the note of their event's acceptance, the oldest first.
type earlyNotes struct {
	order *list.List // of earlyNote
	at    map[key]*list.Element
}

type earlyNote struct {
	key   key
	kind  Kind
	route string
	// uncounted tells of a final note that no receiver noted the event for this route: because it does not know the route.
	uncounted bool
	// repeats counts further finals of the event: it can be accepted twice for a route, by two receivers that a full queue of another route
	// refused, and their notes can be late.
	repeats int64
}

func newEarlyNotes() *earlyNotes { return &earlyNotes{list.New(), map[key]*list.Element{}} }

// put adds a note; a final note of the same event stays, and counts further finals. Above maxEarly it removes and returns the oldest note,
// and above maxRepeats the new one.
func (e *earlyNotes) put(n earlyNote) (removed earlyNote, ok bool) {
	if at, ok := e.at[n.key]; ok {
		switch earlier := at.Value.(earlyNote); {
		case !earlier.kind.final():
			at.Value = n
		case n.kind.final() && earlier.repeats == maxRepeats:
			return n, true
		case n.kind.final():
			earlier.repeats++
			at.Value = earlier
		}
		return earlyNote{}, false
	}
	e.at[n.key] = e.order.PushBack(n)
	if len(e.at) <= maxEarly {
		return earlyNote{}, false
	}
	removed = e.order.Remove(e.order.Front()).(earlyNote)
	delete(e.at, removed.key)
	return removed, true
}

// mark sets uncounted of the final note of an event, if there is one.
func (e *earlyNotes) mark(k key) {
	if at, ok := e.at[k]; ok {
		if n := at.Value.(earlyNote); n.kind.final() {
			n.uncounted = true
			at.Value = n
		}
	}
}

// isRedelivering reports whether a person is about to give an event to a route again.
func (e *earlyNotes) isRedelivering(k key) bool {
	at, ok := e.at[k]
	return ok && at.Value.(earlyNote).kind == Redelivering
}

// take removes and returns the note of an event, or one of its finals.
func (e *earlyNotes) take(k key) (Kind, bool) {
	at, ok := e.at[k]
	if !ok {
		return "", false
	}
	if n := at.Value.(earlyNote); n.repeats > 0 {
		n.repeats--
		at.Value = n
		return n.kind, true
	}
	delete(e.at, k)
	return e.order.Remove(at).(earlyNote).kind, true
}

// takeFinal is take for a final note; another note stays.
func (e *earlyNotes) takeFinal(k key) (Kind, bool) {
	if at, ok := e.at[k]; !ok || !at.Value.(earlyNote).kind.final() {
		return "", false
	}
	return e.take(k)
}
