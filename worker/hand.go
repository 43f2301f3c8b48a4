package worker

import (
	"sync"
	"time"

	"github.com/hookline/hookline/pkg/event"
)

// hand holds the deliveries of one route that are being worked on now, and the handler calls that ignore the end of
// their context: those have lost their place, but cannot be ended.
type hand struct {
	mu   sync.Mutex
	held map[*event.Delivery]struct{}
	left map[string]int // calls by event
}

func newHand() *hand { return &hand{held: map[*event.Delivery]struct{}{}, left: map[string]int{}} }

func (h *hand) take(d *event.Delivery) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held[d] = struct{}{}
}

func (h *hand) give(d *event.Delivery) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.held, d)
}

// leave counts n more calls for the event as left behind; -1 when one has returned after all.
func (h *hand) leave(e event.Event, n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	name := nameOf(e)
	if h.left[name] += n; h.left[name] == 0 {
		delete(h.left, name)
	}
}

// stillRuns tells whether a call for the event was left behind and is not done.
func (h *hand) stillRuns(e event.Event) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.left[nameOf(e)] > 0
}

// leftBehind is how many calls were left behind and are not done.
func (h *hand) leftBehind() float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, calls := range h.left {
		n += calls
	}
	return float64(n)
}

func (h *hand) size() float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return float64(len(h.held))
}

// oldestAge is how many seconds ago the oldest event in hand was received, 0 if there is none.
func (h *hand) oldestAge() float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	age := time.Duration(0)
	for d := range h.held {
		age = max(age, time.Since(d.Event.Time))
	}
	return age.Seconds()
}
