package broker

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/hookline/hookline/pkg/event"
)

// Fingerprint identifies an event by its source, action and ID: the first 128 bits of their SHA-256. A duplicate has the fingerprint of
// its event.
type Fingerprint [16]byte

// FingerprintOf returns the fingerprint of e.
func FingerprintOf(e event.Event) Fingerprint {
	var buffer [event.MaxKey + 1 + event.MaxID]byte
	text := append(buffer[:0], e.Source...)
	text = append(append(text, '.'), e.Action...)
	text = append(append(text, ' '), e.ID...) // neither holds a space
	sum := sha256.Sum256(text)
	return Fingerprint(sum[:16])
}

// MaxRecentEvents is the largest number of events that a broker remembers for its window. They take 3.5 MB of memory. It remembers
// at least the last half of them.
const MaxRecentEvents = 100_000

// RecentEvents remembers the fingerprints of stored events, and when a receiver took each event. It compares these times with each
// other, and ignores the clock. It is safe for concurrent use.
//
// It has two generations. It forgets the older generation when the younger one is as old as the window, or holds half of the limit.
// So it remembers every event inside the window, or at least the last half of the limit.
type RecentEvents struct {
	window time.Duration
	half   int

	mu         sync.Mutex
	young, old generation
	latest     time.Time
}

type generation struct {
	began time.Time
	taken map[Fingerprint]int64 // in milliseconds since 1970
}

// NewRecentEvents returns an empty memory for a window of more than 0, and for limit events, at least 2.
func NewRecentEvents(window time.Duration, limit int) *RecentEvents {
	return &RecentEvents{window: window, half: limit / 2}
}

// Has reports whether it remembers an event that a receiver took within one window before or after the time at. It looks both ways
// because a spooled event can be stored after its own duplicate.
func (r *RecentEvents) Has(f Fingerprint, at time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken, ok := r.taken(f)
	return ok && at.Sub(time.UnixMilli(taken)).Abs() < r.window
}

func (r *RecentEvents) taken(f Fingerprint) (at int64, ok bool) {
	if at, ok = r.young.taken[f]; !ok {
		at, ok = r.old.taken[f]
	}
	return at, ok
}

// Add records the fingerprint of a stored event, and the time of its receipt. Of two times of one fingerprint it keeps the later.
func (r *RecentEvents) Add(f Fingerprint, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at.After(r.latest) {
		r.latest = at
	}
	if r.young.taken == nil || len(r.young.taken) >= r.half || r.latest.Sub(r.young.began) >= r.window {
		r.young, r.old = generation{r.latest, map[Fingerprint]int64{}}, r.young
	}
	taken, _ := r.taken(f)
	r.young.taken[f] = max(taken, at.UnixMilli())
}

// Since returns the start of the older generation. No event in memory is earlier, provided that events are added in the order of
// their times.
func (r *RecentEvents) Since() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.old.taken == nil {
		return r.young.began
	}
	return r.old.began
}
