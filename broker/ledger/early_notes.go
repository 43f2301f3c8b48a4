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
}

func newEarlyNotes() *earlyNotes { return &earlyNotes{list.New(), map[key]*list.Element{}} }

// put adds a note; a final note of the same event stays. Above maxEarly it removes and returns the oldest note.
func (e *earlyNotes) put(k key, kind Kind, route string) (oldKind Kind, oldRoute string, removed bool) {
	if at, ok := e.at[k]; ok {
		if n := at.Value.(earlyNote); !n.kind.final() {
			at.Value = earlyNote{k, kind, route}
		}
		return "", "", false
	}
	e.at[k] = e.order.PushBack(earlyNote{k, kind, route})
	if len(e.at) <= maxEarly {
		return "", "", false
	}
	oldest := e.order.Front().Value.(earlyNote)
	e.take(oldest.key)
	return oldest.kind, oldest.route, true
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
