package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// maxSummary bounds the open events in a summary, so that a summary is a message of at most 2 MB.
const maxSummary = 1 << 16

// summary is a book as one message.
type summary struct {
	Version   int                         `json:"version"`
	Position  Position                    `json:"position"`
	Since     int64                       `json:"since"` // unix ms
	Routes    []routeSummary              `json:"routes"`
	Sources   map[string]*SourceTally     `json:"sources"`
	Processes []processSummary            `json:"processes"`
	Spools    map[string]map[string]int64 `json:"spools"`
	Open      []run                       `json:"open"`
	Early     []run                       `json:"early"` // oldest first
}

type routeSummary struct {
	Route     string `json:"route"`
	Accepted  int64  `json:"accepted"`
	Done      int64  `json:"done"`
	Discarded int64  `json:"discarded"`
	Extra     int64  `json:"extra"`
}

type processSummary struct {
	Process string           `json:"process"`
	Number  int64            `json:"number"`
	Offset  int64            `json:"offset"`
	Seen    int64            `json:"seen"` // unix ms
	Held    map[string]int64 `json:"held,omitempty"`
	Running map[string]int64 `json:"running,omitempty"`
}

// run holds the keys of events with the same kind and route, one after the other.
type run struct {
	Kind  Kind   `json:"kind"`
	Route string `json:"route"`
	Keys  []byte `json:"keys"` // 16 bytes each
}

// Summary returns the book as a message for ReadSummary. It returns false if the book has too many open events for one message.
func (b *Book) Summary() ([]byte, bool) {
	if len(b.open) > maxSummary {
		return nil, false
	}
	s := summary{
		Version: Version, Position: b.position, Since: b.since.UnixMilli(),
		Sources: b.sources, Spools: b.spools,
	}
	for _, route := range slices.Sorted(maps.Keys(b.routes)) {
		t := b.routes[route]
		s.Routes = append(s.Routes, routeSummary{route, t.accepted, t.done, t.discarded, t.extra})
	}
	for _, name := range slices.Sorted(maps.Keys(b.processes)) {
		p := b.processes[name]
		s.Processes = append(s.Processes, processSummary{name, p.number, p.offset, p.seen.UnixMilli(), p.held, p.running})
	}
	runs := map[runKind][]byte{}
	for k, e := range b.open {
		r := runKind{Accepted, e.route}
		if e.retrying {
			r.kind = Retrying
		}
		runs[r] = append(runs[r], k[:]...)
	}
	for r, keys := range runs {
		s.Open = append(s.Open, run{r.kind, r.route, keys})
	}
	for at := b.early.order.Front(); at != nil; at = at.Next() {
		n := at.Value.(earlyNote)
		if last := len(s.Early) - 1; last < 0 || s.Early[last].Kind != n.kind || s.Early[last].Route != n.route {
			s.Early = append(s.Early, run{Kind: n.kind, Route: n.route})
		}
		last := &s.Early[len(s.Early)-1]
		last.Keys = append(last.Keys, n.key[:]...)
	}
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings and numbers only
	}
	return text, true
}

// runKind selects the run of an event.
type runKind struct {
	kind  Kind
	route string
}

// Summarized resets Folded after a summary of the book was written.
func (b *Book) Summarized() { b.folded = 0 }

// ReadSummary returns the book of a summary. It returns an error for JSON of another version and for a damaged one.
func ReadSummary(text []byte) (*Book, error) {
	var s summary
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("ledger: summary: %w", err)
	}
	if s.Version != Version {
		return nil, fmt.Errorf("ledger: summary of version %d, not %d", s.Version, Version)
	}
	b := NewBook()
	b.position, b.since, b.mark = s.Position, time.UnixMilli(s.Since).UTC(), s.Position.Offset
	for _, r := range s.Routes {
		b.routes[r.Route] = &tally{r.Route, r.Accepted, r.Done, r.Discarded, r.Extra}
	}
	for name, from := range s.Sources {
		if from != nil {
			to := b.source(name)
			to.Accepted, to.Unrouted = from.Accepted, from.Unrouted
			maps.Copy(to.Counts, from.Counts)
		}
	}
	for _, p := range s.Processes {
		b.processes[p.Process] = &process{number: p.Number, offset: p.Offset, seen: time.UnixMilli(p.Seen), held: p.Held, running: p.Running}
	}
	maps.Copy(b.spools, s.Spools)
	err := errors.Join(
		eachKey(s.Open, func(r run, k key) { b.open[k] = entry{b.tally(r.Route), s.Position.Offset, r.Kind == Retrying} }),
		eachKey(s.Early, func(r run, k key) { b.put(k, r.Kind, r.Route) }),
	)
	if err != nil {
		return nil, err
	}
	return b, nil
}

// eachKey visits the keys of all runs.
func eachKey(runs []run, visit func(run, key)) error {
	for _, r := range runs {
		if len(r.Keys)%len(key{}) != 0 {
			return errors.New("ledger: summary: a key is cut")
		}
		for k := range slices.Chunk(r.Keys, len(key{})) {
			visit(r, key(k))
		}
	}
	return nil
}
