package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
	"unique"
)

// SummaryReader makes books of the messages of summaries. Messages of several writers may be mixed.
type SummaryReader struct {
	parts map[string]map[int][]run // open events of the parts so far, by ID of the summary
}

// Read returns the book that a message completes, and nil for a part of a summary whose other parts have not all come. It returns an error
// for JSON of another version and for a damaged message.
func (r *SummaryReader) Read(text []byte) (*Book, error) {
	var s summary
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("ledger: summary: %w", err)
	}
	switch {
	case s.Version == Version && s.Parts == 0:
		return s.book()
	case s.Version != partsVersion || s.Part < 1 || s.Part > s.Parts:
		return nil, fmt.Errorf("ledger: summary of version %d, part %d of %d; known are versions %d and %d", s.Version, s.Part, s.Parts, Version, partsVersion)
	}
	if r.parts == nil {
		r.parts = map[string]map[int][]run{}
	}
	parts := r.parts[s.ID]
	if parts == nil {
		parts = map[int][]run{}
		r.parts[s.ID] = parts
	}
	parts[s.Part] = s.Open
	if s.Part < s.Parts || len(parts) < s.Parts {
		return nil, nil
	}
	delete(r.parts, s.ID)
	s.Open = slices.Concat(slices.Collect(maps.Values(parts))...)
	return s.book()
}

// Parts returns how many messages the summary of a message has; 1 for an unreadable one.
func Parts(text []byte) int64 {
	var s struct {
		Parts int64 `json:"parts"`
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return 1
	}
	return max(s.Parts, 1)
}

// book returns the book of a complete summary.
func (s summary) book() (*Book, error) {
	b := NewBook()
	b.position, b.since, b.mark = s.Position, time.UnixMilli(s.Since).UTC(), s.Position.Offset
	b.anew, b.strangers = s.Anew, s.Strangers || len(s.Processes) >= maxProcesses // an older writer does not say it
	for _, r := range s.Routes {
		external := externalTally{declared: r.External, unfinished: r.Unfinished, atMark: r.Unfinished}
		b.routes[r.Route] = &tally{r.Route, r.Accepted, r.Done, r.Discarded, r.Extra, r.Uncounted, r.Unaccounted, r.Lost, external, 0, unkeyedTally{open: r.Unkeyed}}
	}
	for name, from := range s.Sources {
		if from != nil {
			to := b.source(name)
			to.Accepted, to.Unrouted = from.Accepted, from.Unrouted
			maps.Copy(to.Counts, from.Counts)
		}
	}
	for _, p := range s.Processes {
		b.processes[p.Process] = &process{number: p.Number, offset: p.Offset, seen: time.UnixMilli(p.Seen), held: p.Held, running: p.Running, bindings: p.Bindings}
	}
	maps.Copy(b.bindings, s.Bindings)
	b.readSpools(s)
	err := errors.Join(
		eachKey(s.Open, func(r run, k key) {
			e := entry{tally: b.tally(r.Route), bySender: true, acceptedAt: s.Position.Offset, retrying: r.Kind == Retrying}
			if r.RoutingKey != "" {
				e.routingKey = unique.Make(r.RoutingKey)
			}
			if known, again := b.open[k]; again {
				known.again++
				b.open[k] = known
				return
			}
			b.add(k, e)
		}),
		eachKey(s.Early, func(r run, k key) { b.put(earlyNote{key: k, kind: r.Kind, route: r.Route, uncounted: r.Uncounted}) }),
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
