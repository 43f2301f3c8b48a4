package ledger

import (
	"maps"
	"time"
)

// spoolSilence is the time without a message of a process after which its spool is silent. The process reports a spool with events each minute.
const spoolSilence = 5 * time.Minute

// SpoolCounts are the cumulative numbers of a spool.
type SpoolCounts struct {
	Taken     int64 `json:"taken"`
	Published int64 `json:"published"`
	Discarded int64 `json:"discarded"`
	Present   int64 `json:"present"`
}

// Unaccounted returns the number of taken events that are neither published nor discarded nor present.
func (c SpoolCounts) Unaccounted() int64 { return max(0, c.Taken-c.Published-c.Discarded-c.Present) }

// SpoolTotals are the numbers of a spool with events or losses.
type SpoolTotals struct {
	Spool string
	SpoolCounts
	SilentSince time.Time // the last message of its process; zero: the process writes, or the spool is empty
}

// spool is the state of a spool after its latest report.
type spool struct {
	events  map[string]int64 // by source
	counts  SpoolCounts      // zero: the writer does not know them
	process string
	seen    time.Time // time of the report
	lacking int64     // events that an older copy of the spool's folder does not have
}

// foldSpool replaces the state of a spool. An empty spool without losses is removed, because each new container has another name.
func (b *Book) foldSpool(n Notes, seen time.Time) {
	s := &spool{events: maps.Clone(n.Spooled), process: n.Process, seen: seen}
	if n.SpoolCounts != nil {
		s.counts = *n.SpoolCounts
	}
	if before := b.spools[n.Spool]; before != nil {
		s.lacking = before.lacking + before.lostBy(s.counts)
	}
	if len(s.events) == 0 && s.counts.Present == 0 && s.counts.Unaccounted() == 0 && s.lacking == 0 {
		delete(b.spools, n.Spool)
		return
	}
	b.spools[n.Spool] = s
}

// lostBy returns how many events of the spool an older copy of its folder lacks. The copy shows by its smaller number of taken events. A
// spool publishes the oldest events first, so those that were present are the last taken; if a queue refuses events, fewer are lost.
func (s *spool) lostBy(now SpoolCounts) int64 {
	if now == (SpoolCounts{}) {
		return 0
	}
	return max(0, min(s.counts.Present, s.counts.Taken-now.Taken))
}

// spoolTotals returns the spools whose numbers are known.
func (b *Book) spoolTotals(now time.Time) (list []SpoolTotals) {
	for name, s := range b.spools {
		if s.counts == (SpoolCounts{}) {
			continue
		}
		t := SpoolTotals{Spool: name, SpoolCounts: s.counts}
		t.Taken += s.lacking
		seen := s.seen
		if p := b.processes[s.process]; p != nil && p.seen.After(seen) {
			seen = p.seen
		}
		if s.counts.Present > 0 && now.Sub(seen) > spoolSilence {
			t.SilentSince = seen
		}
		list = append(list, t)
	}
	return list
}

// spoolSummary is a spool with counts in a summary.
type spoolSummary struct {
	Spool   string      `json:"spool"`
	Counts  SpoolCounts `json:"counts"`
	Process string      `json:"process"`
	Seen    int64       `json:"seen"` // unix ms
	Lacking int64       `json:"lacking,omitempty"`
}

// addSpools adds the spools to a summary.
func (b *Book) addSpools(s *summary) {
	s.Spools = map[string]map[string]int64{}
	for name, sp := range b.spools {
		s.Spools[name] = sp.events
		if sp.counts != (SpoolCounts{}) {
			s.SpoolCounts = append(s.SpoolCounts, spoolSummary{name, sp.counts, sp.process, sp.seen.UnixMilli(), sp.lacking})
		}
	}
}

// readSpools adds the spools of a summary.
func (b *Book) readSpools(s summary) {
	for name, events := range s.Spools {
		b.spools[name] = &spool{events: events}
	}
	for _, c := range s.SpoolCounts {
		b.spools[c.Spool] = &spool{s.Spools[c.Spool], c.Counts, c.Process, time.UnixMilli(c.Seen).UTC(), c.Lacking}
	}
}
