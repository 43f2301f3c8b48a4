package ledger

import "container/list"

// maxEarly bounds earlyNotes. A receiver notes an acceptance up to a tenth of a second late; workers finish far fewer events
// in that time.
const maxEarly = 1 << 14

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
}

func newEarlyNotes() *earlyNotes { return &earlyNotes{list.New(), map[key]*list.Element{}} }

// put adds a note; a final note of the same event stays. Above maxEarly it removes and returns the oldest note.
func (e *earlyNotes) put(n earlyNote) (oldest earlyNote, removed bool) {
	if at, ok := e.at[n.key]; ok {
		if !at.Value.(earlyNote).kind.final() {
			at.Value = n
		}
		return earlyNote{}, false
	}
	e.at[n.key] = e.order.PushBack(n)
	if len(e.at) <= maxEarly {
		return earlyNote{}, false
	}
	oldest = e.order.Front().Value.(earlyNote)
	e.take(oldest.key)
	return oldest, true
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

// take removes and returns the note of an event.
func (e *earlyNotes) take(k key) (Kind, bool) {
	at, ok := e.at[k]
	if !ok {
		return "", false
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
