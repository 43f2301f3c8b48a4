package ledger

import (
	"crypto/rand"
	"encoding/json"
	"maps"
	"slices"
	"unique"
)

// maxPart bounds the open events in a message of a summary, so that it has at most 2 MB.
const maxPart = 1 << 16

// partsVersion is the version of a message that is a part of a summary. A Hookline that knows summaries of one message only does not read
// it, and begins with the first note.
const partsVersion = 2

// summary is a book, or a part of it, as one message. The last part has all but the open events of the others.
type summary struct {
	Version   int                         `json:"version"`
	ID        string                      `json:"id,omitempty"`    // the same in all parts of a summary
	Part      int                         `json:"part,omitempty"`  // from 1
	Parts     int                         `json:"parts,omitempty"` // 0: the summary is one message
	Position  Position                    `json:"position"`
	Since     int64                       `json:"since"` // unix ms
	Anew      string                      `json:"anew,omitempty"`
	Strangers bool                        `json:"strangers,omitempty"`
	Routes    []routeSummary              `json:"routes"`
	Sources   map[string]*SourceTally     `json:"sources"`
	Processes []processSummary            `json:"processes"`
	Spools    map[string]map[string]int64 `json:"spools"`
	Bindings  Bindings                    `json:"bindings,omitempty"`
	Open      []run                       `json:"open"`

	SpoolCounts []spoolSummary `json:"spool_counts,omitempty"`

	Early []run `json:"early"` // oldest first
}

type routeSummary struct {
	Route     string `json:"route"`
	Accepted  int64  `json:"accepted"`
	Done      int64  `json:"done"`
	Discarded int64  `json:"discarded"`
	Extra     int64  `json:"extra"`

	Uncounted   int64 `json:"uncounted,omitempty"`
	Unaccounted int64 `json:"unaccounted,omitempty"`
	Lost        int64 `json:"lost,omitempty"`

	External   bool  `json:"external,omitempty"`
	Unfinished int64 `json:"unfinished,omitempty"` // of an external route
	Unkeyed    int64 `json:"unkeyed,omitempty"`    // open events that are counted by number
}

type processSummary struct {
	Process string           `json:"process"`
	Number  int64            `json:"number"`
	Offset  int64            `json:"offset"`
	Seen    int64            `json:"seen"` // unix ms
	Held    map[string]int64 `json:"held,omitempty"`
	Running map[string]int64 `json:"running,omitempty"`

	Bindings Bindings `json:"bindings,omitempty"`
}

// run holds the keys of events with the same kind and route, one after the other.
type run struct {
	Kind  Kind   `json:"kind"`
	Route string `json:"route"`
	Keys  []byte `json:"keys"` // 16 bytes each; once for each delivery

	RoutingKey string `json:"routing_key,omitempty"` // of unrouted events

	Uncounted bool `json:"uncounted,omitempty"` // of early notes
}

// Summary returns the book as messages for a SummaryReader: one, or several if the book has many open events. Write the last one when the
// others are stored: it completes them. A book that lacks notes of a newer Hookline has no summary, so that a newer reader can read them.
func (b *Book) Summary() [][]byte {
	if b.newer > 0 {
		return nil
	}
	s := summary{
		Version: Version, Position: b.position, Since: b.since.UnixMilli(), Anew: b.anew, Strangers: b.strangers,
		Sources: b.sources, Early: b.earlyRuns(), Bindings: b.bindings,
	}
	b.addSpools(&s)
	for _, route := range slices.Sorted(maps.Keys(b.routes)) {
		t := b.routes[route]
		s.Routes = append(s.Routes, routeSummary{route, t.accepted, t.done, t.discarded, t.extra, t.uncounted, t.unaccounted, t.lost, t.external.declared, t.external.unfinished, t.unkeyed.open})
	}
	latest := b.latestSeen()
	for _, name := range slices.Sorted(maps.Keys(b.processes)) {
		p := b.processes[name]
		s.Processes = append(s.Processes, processSummary{name, p.number, p.offset, p.seen.UnixMilli(), p.held, p.running, p.declaredBindings(latest)})
	}
	parts := b.openParts()
	if len(parts) == 1 {
		s.Open = parts[0]
		return [][]byte{s.encode()}
	}
	var messages [][]byte
	id := rand.Text()
	for i, open := range parts {
		part := summary{}
		if i == len(parts)-1 {
			part = s
		}
		part.Version, part.ID, part.Part, part.Parts, part.Open = partsVersion, id, i+1, len(parts), open
		messages = append(messages, part.encode())
	}
	return messages
}

// openParts divides the open events into runs for each message. There is at least one.
func (b *Book) openParts() [][]run {
	byKind := map[runKind][]byte{}
	for k, e := range b.open {
		r := runKind{kind: Accepted, route: e.route}
		if e.routingKey != (unique.Handle[string]{}) {
			r.routingKey = e.routingKey.Value()
		}
		if e.retrying {
			r.kind = Retrying
		}
		for range e.deliveries() {
			byKind[r] = append(byKind[r], k[:]...)
		}
	}
	parts, room := [][]run{nil}, maxPart
	for r, keys := range byKind {
		for len(keys) > 0 {
			if room == 0 {
				parts, room = append(parts, nil), maxPart
			}
			n := min(room, len(keys)/len(key{}))
			last := &parts[len(parts)-1]
			*last = append(*last, run{Kind: r.kind, Route: r.route, RoutingKey: r.routingKey, Keys: keys[:n*len(key{})]})
			keys, room = keys[n*len(key{}):], room-n
		}
	}
	return parts
}

// earlyRuns returns the early notes, the oldest first.
func (b *Book) earlyRuns() (runs []run) {
	for at := b.early.order.Front(); at != nil; at = at.Next() {
		n := at.Value.(earlyNote)
		last := len(runs) - 1
		if last < 0 || runs[last].Kind != n.kind || runs[last].Route != n.route || runs[last].Uncounted != n.uncounted {
			runs = append(runs, run{Kind: n.kind, Route: n.route, Uncounted: n.uncounted})
			last++
		}
		for range 1 + n.repeats {
			runs[last].Keys = append(runs[last].Keys, n.key[:]...)
		}
	}
	return runs
}

func (s summary) encode() []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings and numbers only
	}
	return text
}

// runKind selects the run of an event.
type runKind struct {
	kind       Kind
	route      string
	routingKey string
}

// Summarized resets Folded after a summary of the book was written.
func (b *Book) Summarized() { b.folded = 0 }
