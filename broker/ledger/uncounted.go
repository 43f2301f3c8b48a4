package ledger

import "slices"

// isUncounted reports whether no receiver has noted any event for the route so far. That is so while workers with a new route run beside
// receivers that do not know the route yet.
func (b *Book) isUncounted(route string) bool { return b.tally(route).accepted == 0 }

// markUncounted marks the early final notes of an accepted event at other routes than those that its receiver knows.
func (b *Book) markUncounted(source, id string, routes []string) {
	if len(b.early.at) == 0 {
		return
	}
	for other := range b.routes {
		if !slices.Contains(routes, other) {
			b.early.mark(hash(source, id, other))
		}
	}
}

// put keeps a note until the acceptance of its event arrives. A final note that put removes for it counts as uncounted, for an event without a
// key, or as extra.
func (b *Book) put(n earlyNote) {
	b.tally(n.route)
	removed, ok := b.early.put(n)
	if !ok {
		return
	}
	for range 1 + removed.repeats {
		switch {
		case removed.uncounted:
			b.tally(removed.route).uncounted++
		case removed.kind.final() && !b.finishUnkeyed(removed.kind, removed.route):
			b.tally(removed.route).extra++
		}
	}
}
