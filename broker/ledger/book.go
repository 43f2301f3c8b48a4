package ledger

import (
	"maps"
	"time"
)

// Book is what all notes up to a position add up to. Folding a message again changes nothing. It is not safe for
// concurrent use.
type Book struct {
	position  Position
	since     time.Time
	open      map[key]entry
	early     *early
	routes    map[string]*tally
	sources   map[string]*SourceTally
	processes map[string]*process
	spools    map[string]map[string]int64
	folded    int   // messages and event IDs since this book was made
	mark      int64 // offset of the message at which Mark was called
}

// Position is the last message that was folded.
type Position struct {
	Offset  int64  `json:"offset"` // -1: none
	Process string `json:"process"`
	Number  int64  `json:"number"`
}

// entry is an event that a route took and has not finished.
type entry struct {
	*tally
	born     int64 // offset of the message that accepted it
	retrying bool
}

// tally is what a route has had so far.
type tally struct {
	route                            string
	accepted, done, discarded, extra int64
}

// SourceTally is what has come from a source.
type SourceTally struct {
	Accepted int64            `json:"accepted"`
	Unrouted int64            `json:"unrouted"` // of the accepted
	Counts   map[string]int64 `json:"counts,omitempty"`
}

// NewBook makes an empty book.
func NewBook() *Book {
	return &Book{
		position: Position{Offset: -1}, open: map[key]entry{}, early: newEarly(),
		routes: map[string]*tally{}, sources: map[string]*SourceTally{},
		processes: map[string]*process{}, spools: map[string]map[string]int64{},
	}
}

// Position is the last message that was folded.
func (b *Book) Position() Position { return b.position }

// Folded is how much was folded since the book was made or read from a summary: messages, since also those without events push others
// out of the stream, and the IDs in them.
func (b *Book) Folded() int { return b.folded }

// Has tells whether the message number of process, or a later one, was folded.
func (b *Book) Has(process string, number int64) bool {
	p := b.processes[process]
	return p != nil && p.number >= number
}

// Fold takes in the message at offset. seen is when it was written as far as is known: now for one that has just come,
// else at most its own time.
func (b *Book) Fold(n Notes, offset int64, seen time.Time) {
	b.position = Position{offset, n.Process, n.Number}
	if b.since.IsZero() {
		b.since = n.time()
	}
	p := b.process(n.Process, offset)
	if n.Number <= p.number {
		return // sent again
	}
	b.folded++
	p.number, p.seen, p.held, p.running = n.Number, seen, maps.Clone(n.Held), maps.Clone(n.Running)
	p.raisePeak()
	if n.Lost > 0 {
		b.forget(n.time())
	}
	for _, note := range n.Notes {
		b.folded += len(note.IDs)
		for _, id := range note.IDs {
			b.fold(note, note.Action+" "+id, offset) // some senders' IDs are those of things, so it takes both
		}
	}
	for source, counts := range n.Counts {
		s := b.source(source)
		for what, count := range counts {
			s.Counts[what] += count
		}
	}
	switch {
	case len(n.Spooled) == 0:
		delete(b.spools, n.Spool) // not kept as empty: each new container has another name
	case n.Spool != "":
		b.spools[n.Spool] = maps.Clone(n.Spooled)
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
	case Routed:
		b.reroute(n.Source, id, routes, offset)
	case Retrying:
		for _, route := range routes {
			b.retry(hash(n.Source, id, route), route)
		}
	case Done, Discarded:
		for _, route := range routes {
			b.finish(n.Kind, n.Source, id, route)
		}
	}
}

// accept opens the event for a route, unless its end was noted first: acceptance is noted without haste.
func (b *Book) accept(source, id, route string, offset int64) {
	k := hash(source, id, route)
	if _, ok := b.open[k]; ok {
		return // the sender repeated it: it counts once
	}
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
	b.open[k] = entry{t, offset, kind == Retrying}
}

// finishedElsewhere tells whether an event that no route should have got was finished early by one: a queue can be
// bound by hand.
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
	b.put(k, Retrying, route)
}

// finish closes the event for a route. Where the books have it elsewhere, as unrouted or, when it was discarded from
// the unrouted, at a route, it is closed there.
func (b *Book) finish(kind Kind, source, id, route string) {
	k := hash(source, id, route)
	if e, ok := b.open[k]; ok {
		delete(b.open, k)
		e.finish(kind)
		return
	}
	if b.finishMoved(kind, source, id, route) {
		return
	}
	b.put(k, kind, route)
}

func (b *Book) finishMoved(kind Kind, source, id, route string) bool {
	if route != "" {
		if !b.closeUnrouted(source, id) {
			return false
		}
		t := b.tally(route)
		t.accepted++
		t.finish(kind)
		return true
	}
	found := false
	for other := range b.routes {
		k := hash(source, id, other)
		if e, ok := b.open[k]; ok {
			delete(b.open, k)
			e.finish(kind)
			found = true
		}
	}
	return found
}

// reroute takes an event from the unrouted to routes. One that is not unrouted in the books was finished by one of them
// before this note came.
func (b *Book) reroute(source, id string, routes []string, offset int64) {
	if !b.closeUnrouted(source, id) {
		return
	}
	for _, route := range routes {
		b.accept(source, id, route, offset)
	}
}

// closeUnrouted takes an event off the unrouted, which have done their part.
func (b *Book) closeUnrouted(source, id string) bool {
	k := hash(source, id, "")
	e, ok := b.open[k]
	if ok {
		delete(b.open, k)
		e.done++
	}
	return ok
}

// forget starts counting anew, since the end of what is open may be among the notes that were lost.
func (b *Book) forget(at time.Time) {
	for _, e := range b.open {
		e.accepted--
	}
	clear(b.open)
	b.since = at
}

// put keeps a note that came before its event was accepted. What leaves for it belongs to no accepted event.
func (b *Book) put(k key, kind Kind, route string) {
	b.tally(route)
	if oldKind, oldRoute, ok := b.early.put(k, kind, route); ok && oldKind.final() {
		b.tally(oldRoute).extra++
	}
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
