package worker

import (
	"sync"
	"time"

	"github.com/hookline/hookline/pkg/event"
)

// hand holds the deliveries of one route that are being worked on now.
type hand struct {
	mu   sync.Mutex
	held map[*event.Delivery]struct{}
}

func newHand() *hand { return &hand{held: map[*event.Delivery]struct{}{}} }

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
