package broker

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/hookline/hookline/pkg/event"
)

// Mark stands for an event by its routing key and ID: a sender's repeat has the same. Two events that differ in either
// share a mark only if 128 bits of SHA-256 do.
type Mark [16]byte

// MarkOf is the mark of e.
func MarkOf(e event.Event) Mark {
	var room [event.MaxKey + 1 + event.MaxID]byte
	text := append(room[:0], e.Source...)
	text = append(append(text, '.'), e.Action...)
	text = append(append(text, ' '), e.ID...) // neither holds a space
	sum := sha256.Sum256(text)
	return Mark(sum[:16])
}

// MaxRecent is how many events a line remembers for its window at most, and half of that at least; that takes 3.5 MB of memory.
const MaxRecent = 100_000

// Recent remembers the marks of events that were stored, and when the receiver took them. It goes by those times and
// not by the clock. It is safe for concurrent use.
//
// There are two generations: the older one is forgotten as a whole when the younger one is as old as the window, or
// holds half of the limit. So everything inside the window is known, or else at least the last half of the limit.
type Recent struct {
	window time.Duration
	half   int

	mu         sync.Mutex
	young, old generation
	latest     time.Time
}

type generation struct {
	began time.Time
	taken map[Mark]int64 // in milliseconds since 1970
}

// NewRecent remembers for window, which is more than 0, at most limit marks, at least 2.
func NewRecent(window time.Duration, limit int) *Recent {
	return &Recent{window: window, half: limit / 2}
}

// Has tells whether m was added, and taken less than the window before at, or after it: what was spooled may be stored after its own
// repeat.
func (r *Recent) Has(m Mark, at time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken, ok := r.taken(m)
	return ok && at.Sub(time.UnixMilli(taken)).Abs() < r.window
}

func (r *Recent) taken(m Mark) (at int64, ok bool) {
	if at, ok = r.young.taken[m]; !ok {
		at, ok = r.old.taken[m]
	}
	return at, ok
}

// Add remembers an event that is stored, and was taken at that time, here or by another receiver. Of two times of one mark it is the later
// one that counts.
func (r *Recent) Add(m Mark, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at.After(r.latest) {
		r.latest = at
	}
	if r.young.taken == nil || len(r.young.taken) >= r.half || r.latest.Sub(r.young.began) >= r.window {
		r.young, r.old = generation{r.latest, map[Mark]int64{}}, r.young
	}
	taken, _ := r.taken(m)
	r.young.taken[m] = max(taken, at.UnixMilli())
}

// Since is a time before which nothing was taken that is still remembered, as long as times only grow.
func (r *Recent) Since() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.old.taken == nil {
		return r.young.began
	}
	return r.old.began
}
