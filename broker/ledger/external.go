package ledger

// externalTally counts the events of an external route by number alone. A consumer of somebody else writes no notes, so keys of its events
// would stay in the book for ever.
type externalTally struct {
	declared   bool  // as the latest process says that has declared the route
	unfinished int64 // accepted while declared, and not discarded: taken by the consumer, or in the queues
	atMark     int64 // unfinished at Mark
}

// declareExternal makes a route external, or an ordinary route. The open events of a route that becomes external count as unfinished.
func (b *Book) declareExternal(route string, external bool) {
	if !external && b.routes[route] == nil {
		return
	}
	t := b.tally(route)
	if external && !t.external.declared {
		for k, e := range b.open {
			if e.tally == t {
				delete(b.open, k)
				t.keyed--
				t.external.unfinished += e.deliveries()
			}
		}
		t.external.unfinished += t.unkeyed.open
		t.unkeyed = unkeyedTally{}
	}
	t.external.declared = external
}

// finishExternal closes an event of an external route, and reports whether it did: a person discarded a dead letter, or a worker has an
// older configuration.
func (b *Book) finishExternal(kind Kind, route string) bool {
	t := b.routes[route]
	if t == nil || !t.external.declared || t.external.unfinished == 0 {
		return false
	}
	t.external.unfinished--
	t.finish(kind)
	return true
}
