package load

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Record holds the answers to the sent events. It is safe to read while events are sent.
type Record struct {
	mu       sync.Mutex
	sent     map[string]time.Time // first sent, by ID
	tries    map[string]int       // by ID
	accepted map[string]time.Time // answered 200, by ID
	answers  map[string][]time.Time
	spans    []span
	others   map[string]int // answers that were not 200
}

// span is a period with sending.
type span struct{ began, ended time.Time }

func newRecord() Record {
	return Record{sent: map[string]time.Time{}, tries: map[string]int{}, accepted: map[string]time.Time{}, answers: map[string][]time.Time{}, others: map[string]int{}}
}

func (r *Record) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spans = append(r.spans, span{began: time.Now()})
}

func (r *Record) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spans[len(r.spans)-1].ended = time.Now()
}

// answered records an answer and reports whether it was 200.
func (r *Record) answered(source, id string, sent time.Time, code int, err error) bool {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent[id] = sent
	r.tries[id]++
	if err != nil || code != 200 {
		what := fmt.Sprint(code)
		if err != nil {
			what = "no answer"
		}
		r.others[what]++
		return false
	}
	r.accepted[id] = now
	r.answers[source] = append(r.answers[source], now)
	return true
}

// Accepted returns the IDs with a 200 so far.
func (r *Record) Accepted() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := make([]string, 0, len(r.accepted))
	for id := range r.accepted {
		ids = append(ids, id)
	}
	return ids
}

// Tries returns how often an event was sent until its 200.
func (r *Record) Tries(id string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tries[id]
}

// Count returns the number of events with a 200 so far.
func (r *Record) Count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.accepted)
}

// Others returns the number of other answers by code, or "no answer".
func (r *Record) Others() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make(map[string]int, len(r.others))
	for what, count := range r.others {
		out[what] = count
	}
	return out
}

// LongestGap returns the longest period of sending in which a source got no 200.
func (r *Record) LongestGap(source string) (longest time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	answers := slices.SortedFunc(slices.Values(r.answers[source]), time.Time.Compare)
	for _, s := range r.spans {
		last := s.began
		for _, t := range append(slices.Clone(answers), s.ended) {
			if t.Before(s.began) || t.After(s.ended) {
				continue
			}
			longest = max(longest, t.Sub(last))
			last = t
		}
	}
	return longest
}

// AcceptedAfter returns the time of the first 200 to an event that a source sent after t; zero if there was none.
func (r *Record) AcceptedAfter(t time.Time, source string) (first time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, accepted := range r.accepted {
		if strings.HasPrefix(id, source+"-") && r.sent[id].After(t) && (first.IsZero() || accepted.Before(first)) {
			first = accepted
		}
	}
	return first
}
