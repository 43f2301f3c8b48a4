package system

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"
)

// work is the time of the Sink for each delivery, so that a killed worker has some deliveries under way.
const work = 20 * time.Millisecond

// Sink is the target of the route "count". It counts the deliveries of each event.
type Sink struct {
	server *httptest.Server
	gate   sync.RWMutex // locked: deliveries wait for their answer

	mu      sync.Mutex
	calls   int
	failing bool
	counts  map[string]int
	times   []time.Time // of all deliveries
}

func newSink() *Sink {
	s := &Sink{counts: map[string]int{}}
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("Hookline-Id")
		<-time.After(work)
		s.gate.RLock()
		defer s.gate.RUnlock()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.calls++; s.failing && s.calls%3 == 0 {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		s.counts[id]++
		s.times = append(s.times, time.Now())
	}))
	return s
}

// Hold delays the answers to all deliveries until release is called.
func (s *Sink) Hold() (release func()) {
	s.gate.Lock()
	return s.gate.Unlock
}

// Fail makes every third delivery fail, or none.
func (s *Sink) Fail(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = on
}

// Deliveries returns the number of deliveries of an event.
func (s *Sink) Deliveries(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[id]
}

// NextAfter returns the time of the first delivery after t; zero if there was none.
func (s *Sink) NextAfter(t time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, _ := slices.BinarySearchFunc(s.times, t, time.Time.Compare)
	if i == len(s.times) {
		return time.Time{}
	}
	return s.times[i]
}
