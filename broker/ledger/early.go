package ledger

import "container/list"

// maxEarly is how many notes are kept that came before their event was accepted: many more than can be done within the
// tenth of a second by which acceptance may be noted late.
const maxEarly = 1 << 14

// early holds notes whose event was not accepted yet, the oldest first.
type early struct {
	order *list.List // of earlyNote
	at    map[key]*list.Element
}

type earlyNote struct {
	key   key
	kind  Kind
	route string
}

func newEarly() *early { return &early{list.New(), map[key]*list.Element{}} }

// put keeps a note; a final one stays final. It returns the note that had to leave for it, if one had to.
func (e *early) put(k key, kind Kind, route string) (oldKind Kind, oldRoute string, left bool) {
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

// take removes the note for k.
func (e *early) take(k key) (Kind, bool) {
	at, ok := e.at[k]
	if !ok {
		return "", false
	}
	delete(e.at, k)
	return e.order.Remove(at).(earlyNote).kind, true
}

// takeFinal removes the note for k if it is a final one.
func (e *early) takeFinal(k key) (Kind, bool) {
	if at, ok := e.at[k]; !ok || !at.Value.(earlyNote).kind.final() {
		return "", false
	}
	return e.take(k)
}
