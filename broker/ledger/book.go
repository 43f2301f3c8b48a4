package ledger

import (
	"maps"
	"strings"
	"time"
	"unique"
)

// Book is the sum of all notes up to a position. Folding a message again changes nothing. It keeps the keys of at most maxOpen open
// events, and counts the others by number. A Book is not safe for concurrent use.
type Book struct {
	position  Position
	since     time.Time
	anew      string // why counting began anew; empty: it did not, or somebody has acknowledged it
	strangers bool   // a process that the book does not know can have written before
	newer     int64  // notes that this version does not know
	newerAt   int64  // offset of the latest message that this version cannot read
	open      map[key]entry
	room      int // bounds open
	early     *earlyNotes
	routes    map[string]*tally
	sources   map[string]*SourceTally
	processes map[string]*process
	bindings  Bindings // that processes have declared and nobody has removed
	folded    int      // messages and event IDs since NewBook, ReadSummary or Summarized
	mark      int64    // offset of the message at which Mark was called
	spools    map[string]*spool
}

// Position is the place of the latest folded message.
type Position struct {
	Offset  int64  `json:"offset"` // -1: none
	Process string `json:"process"`
	Number  int64  `json:"number"`
}

// entry is an open event of a route.
type entry struct {
	*tally
	acceptedAt int64 // offset of the message that accepted it
	retrying   bool
	bySender   bool                  // one of its deliveries comes from its sender: a repeat of that counts once
	again      uint16                // further deliveries of the event, because a person gave it to the route again
	routingKey unique.Handle[string] // of an unrouted event; zero: unknown, or routed
}

// deliveries returns the number of open deliveries of the event.
func (e entry) deliveries() int64 { return 1 + int64(e.again) }

// tally counts the events of a route.
type tally struct {
	route                            string
	accepted, done, discarded, extra int64
	uncounted                        int64 // of events that no receiver noted for this route
	unaccounted                      int64 // as the latest audit found, with lost
	lost                             int64 // counted as unaccounted before counting began anew; part of accepted
	external                         externalTally
	keyed                            int64 // open events of the route in the book
	unkeyed                          unkeyedTally
}

// SourceTally counts the events and requests of a source.
type SourceTally struct {
	Accepted int64            `json:"accepted"`
	Unrouted int64            `json:"unrouted"` // of the accepted
	Counts   map[string]int64 `json:"counts,omitempty"`
}

// NewBook returns an empty book.
func NewBook() *Book {
	return &Book{
		position: Position{Offset: -1}, newerAt: -1, open: map[key]entry{}, room: maxOpen, early: newEarlyNotes(),
		routes: map[string]*tally{}, sources: map[string]*SourceTally{},
		processes: map[string]*process{}, spools: map[string]*spool{}, bindings: Bindings{},
	}
}

// Position returns the place of the latest folded message.
func (b *Book) Position() Position { return b.position }

// Folded counts the messages and event IDs that were folded since the book was made, read or summarized. Messages without events
// count, too, because they push others out of the stream.
func (b *Book) Folded() int { return b.folded }

// Open returns the number of open events, as far as the book has their keys.
func (b *Book) Open() int { return len(b.open) }

// Has reports whether the message with this number, or a later one, of the process was folded.
func (b *Book) Has(process string, number int64) bool {
	p := b.processes[process]
	return p != nil && p.number >= number
}

// Fold adds the message at offset. seen is the time of its writing as far as known: now for a message that has just arrived,
// otherwise its own time at the latest.
func (b *Book) Fold(n Notes, offset int64, seen time.Time) {
	b.position = Position{offset, n.Process, n.Number}
	if b.since.IsZero() {
		b.since = n.time()
	}
	known := b.processes[n.Process] != nil
	p := b.process(n.Process, offset)
	if n.Number <= p.number {
		return // a repeat
	}
	if n.Number > p.number+1 {
		b.missMessages(known, n.time())
	}
	b.folded++
	p.number, p.seen, p.held, p.running = n.Number, seen, maps.Clone(n.Held), maps.Clone(n.Running)
	p.raisePeak()
	b.bind(p, n)
	if n.Lost > 0 {
		b.restart(reasonDropped, n.time())
	}
	for _, note := range n.Notes {
		b.folded += len(note.IDs)
		for _, id := range note.IDs {
			b.fold(note, note.Action+" "+id, offset) // IDs of some senders name a thing, not a message, so the action belongs to the key
		}
	}
	for source, counts := range n.Counts {
		s := b.source(source)
		for what, count := range counts {
			s.Counts[what] += count
		}
	}
	if n.Spool != "" {
		b.foldSpool(n, seen)
	}
	if n.Acknowledged {
		b.anew, b.strangers = "", true
	}
}

func (b *Book) fold(n Note, id string, offset int64) {
	routes := n.Routes
	if len(routes) == 0 {
		routes = []string{""}
	}
	switch n.Kind {
	case Accepted:
		s := b.source(n.Source)
		s.Accepted++
		if len(n.Routes) == 0 {
			s.Unrouted++
		}
		for _, route := range routes {
			b.accept(n.Source, id, route, offset)
		}
		b.markUncounted(n.Source, id, routes)
	case Partly:
		if n.Counted {
			b.source(n.Source).Accepted++
		}
		for _, route := range routes {
			b.accept(n.Source, id, route, offset)
		}
	case Routed:
		b.reroute(n.Source, id, routes, offset)
	case Moved:
		for _, route := range routes {
			b.move(n.Source, id, route, offset)
		}
	case Redelivering:
		for _, route := range routes {
			b.put(earlyNote{key: hash(n.Source, id, route), kind: Redelivering, route: route})
		}
	case Redelivered:
		for _, route := range routes {
			b.redeliver(n.Source, id, route, offset)
		}
	case Retrying:
		for _, route := range routes {
			b.retry(hash(n.Source, id, route), route)
		}
	case Done, Discarded:
		for _, route := range routes {
			b.finish(n.Kind, n.Source, id, route)
		}
	default:
		b.newer++
	}
}

// accept opens the event for a route. If a note of its end arrived first, it closes the event at once.
func (b *Book) accept(source, id, route string, offset int64) {
	k := hash(source, id, route)
	if e, ok := b.open[k]; ok {
		if !e.bySender { // else it is a sender's repeat, and counts once
			e.bySender = true
			b.addDelivery(k, e, offset)
		}
		return
	}
	b.begin(source, id, route, entry{acceptedAt: offset, bySender: true})
}

// begin opens an event that the book does not have as open.
func (b *Book) begin(source, id, route string, e entry) {
	k := hash(source, id, route)
	t := b.tally(route)
	t.accepted++
	if route == "" && b.finishedElsewhere(source, id) {
		t.done++
		return
	}
	kind, ok := b.early.take(k)
	if ok && kind.final() {
		t.finish(kind)
		return
	}
	if t.external.declared {
		t.external.unfinished++
		return
	}
	e.tally, e.retrying = t, kind == Retrying
	if route == "" {
		action, _, _ := strings.Cut(id, " ")
		e.routingKey = unique.Make(source + "." + action)
	}
	b.add(k, e)
}

// redeliver opens one more delivery of the event for a route.
func (b *Book) redeliver(source, id, route string, offset int64) {
	k := hash(source, id, route)
	e, open := b.open[k]
	if !open {
		b.begin(source, id, route, entry{acceptedAt: offset})
		return
	}
	if b.early.isRedelivering(k) {
		b.early.take(k)
	}
	b.addDelivery(k, e, offset)
}

// addDelivery adds a delivery to an open event.
func (b *Book) addDelivery(k key, e entry, offset int64) {
	e.accepted++
	e.again++
	e.acceptedAt = offset
	b.open[k] = e
}

// finishedElsewhere reports whether a route finished an unrouted event before its acceptance was noted, and counts it there. A
// queue that somebody bound by hand can do that.
func (b *Book) finishedElsewhere(source, id string) bool {
	for route, t := range b.routes {
		if kind, ok := b.early.takeFinal(hash(source, id, route)); ok {
			t.accepted++
			t.finish(kind)
			return true
		}
	}
	return false
}

func (b *Book) retry(k key, route string) {
	if e, ok := b.open[k]; ok {
		e.retrying = true
		b.open[k] = e
		return
	}
	if !b.early.isRedelivering(k) {
		b.put(earlyNote{key: k, kind: Retrying, route: route})
	}
}

// finish closes one delivery of the event for a route. If the book has the event as unrouted, or a discarded unrouted event at a route, it
// closes the event there, unless a person is giving it to the route again.
func (b *Book) finish(kind Kind, source, id, route string) {
	k := hash(source, id, route)
	if e, ok := b.remove(k); ok {
		e.finish(kind)
		return
	}
	if !b.early.isRedelivering(k) && b.finishMoved(kind, source, id, route) || b.finishExternal(kind, route) {
		return
	}
	b.put(earlyNote{key: k, kind: kind, route: route, uncounted: b.isUncounted(route)})
}

func (b *Book) finishMoved(kind Kind, source, id, route string) bool {
	if route != "" {
		if !b.closeUnrouted(source, id) {
			return false
		}
		b.rememberRouted(source, id)
		t := b.tally(route)
		t.accepted++
		t.finish(kind)
		return true
	}
	found := false
	for other := range b.routes {
		k := hash(source, id, other)
		if e, ok := b.remove(k); ok {
			e.finish(kind)
			found = true
		}
	}
	return found
}

// reroute moves an event from the unrouted to routes. If the book does not have it as unrouted, one of the routes finished it
// before this note arrived.
func (b *Book) reroute(source, id string, routes []string, offset int64) {
	if !b.closeUnrouted(source, id) && !b.closeUnkeyedUnrouted(source, id) {
		return
	}
	for _, route := range routes {
		b.accept(source, id, route, offset)
	}
}

// move makes an event of a route an unrouted one. The route counts it as discarded.
func (b *Book) move(source, id, route string, offset int64) {
	if e, ok := b.remove(hash(source, id, route)); ok {
		e.finish(Discarded)
	} else if !b.finishExternal(Discarded, route) {
		b.finishUnkeyed(Discarded, route)
	}
	b.accept(source, id, "", offset)
}

// closeUnrouted counts an unrouted event as done, and reports whether it was open.
func (b *Book) closeUnrouted(source, id string) bool {
	e, ok := b.remove(hash(source, id, ""))
	if ok {
		e.done++
	}
	return ok
}

func (b *Book) tally(route string) *tally {
	t := b.routes[route]
	if t == nil {
		t = &tally{route: route}
		b.routes[route] = t
	}
	return t
}

func (t *tally) finish(kind Kind) {
	if kind == Done {
		t.done++
	} else {
		t.discarded++
	}
}

func (b *Book) source(name string) *SourceTally {
	s := b.sources[name]
	if s == nil {
		s = &SourceTally{Counts: map[string]int64{}}
		b.sources[name] = s
	}
	return s
}
