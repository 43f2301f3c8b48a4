package ledger

// maxOpen bounds the open events whose keys a book keeps, and so the memory of the process that audits.
const maxOpen = 1 << 19

// unkeyedTally counts the open events of a route whose keys the book lacks, because too many events are open. Their finals are unknown to
// the book, so they go through its early notes, where finals wait for their acceptance.
type unkeyedTally struct {
	open  int64 // without the finals among the early notes
	fresh int64 // accepted since Mark
}

// add keeps the key of an open event if there is room, and counts it by number otherwise. A route may have as many keys as there is
// room left, so that the backlog of one route leaves room for the others.
func (b *Book) add(k key, e entry) {
	if e.keyed >= int64(b.room-len(b.open)) {
		e.unkeyed.open++
		e.unkeyed.fresh++
		return
	}
	e.keyed++
	b.open[k] = e
}

// remove takes one delivery of an open event out of the book, and reports whether the book has its key.
func (b *Book) remove(k key) (entry, bool) {
	e, ok := b.open[k]
	switch {
	case ok && e.again > 0:
		e.again--
		b.open[k] = e
	case ok:
		delete(b.open, k)
		e.keyed--
	}
	return e, ok
}

// finishUnkeyed closes one of the route's events without a key, and reports whether there was one.
func (b *Book) finishUnkeyed(kind Kind, route string) bool {
	t := b.routes[route]
	if t == nil || t.unkeyed.open == 0 {
		return false
	}
	t.unkeyed.open--
	t.finish(kind)
	return true
}

// closeUnkeyedUnrouted counts an unrouted event without a key as done, and reports whether there was one. An event that rememberRouted
// has remembered had a key.
func (b *Book) closeUnkeyedUnrouted(source, id string) bool {
	k := hash(source, id, "")
	if at, ok := b.early.at[k]; ok && at.Value.(earlyNote).kind == Routed {
		b.early.take(k)
		return false
	}
	return b.finishUnkeyed(Done, "")
}

// rememberRouted remembers that a route finished an unrouted event before the note Routed, while others without a key are unrouted.
func (b *Book) rememberRouted(source, id string) {
	if t := b.routes[""]; t != nil && t.unkeyed.open > 0 {
		b.put(earlyNote{key: hash(source, id, ""), kind: Routed})
	}
}

// finishEarly adds the finals among the early notes to the totals of their routes.
func (b *Book) finishEarly(change func(route string, f func(*RouteTotals))) {
	for at := b.early.order.Front(); at != nil; at = at.Next() {
		n := at.Value.(earlyNote)
		if !n.kind.final() {
			continue
		}
		for range 1 + n.repeats {
			change(n.route, n.finish)
		}
	}
}

// finish adds a final that waits for its acceptance to the totals of its route.
func (n earlyNote) finish(r *RouteTotals) {
	switch {
	case n.uncounted:
		r.Uncounted++
	case r.Unkeyed == 0:
		r.Extra++
	default:
		r.Unkeyed--
		r.Open--
		if n.kind == Done {
			r.Done++
		} else {
			r.Discarded++
		}
	}
}

// countUnkeyed adds the events without a key that were open at Mark already. Finals count for the oldest ones.
func (t *tally) countUnkeyed(r *RouteTotals) {
	r.OpenAtMark += max(0, r.Unkeyed-t.unkeyed.fresh)
}
