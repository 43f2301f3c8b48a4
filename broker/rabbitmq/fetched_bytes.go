package rabbitmq

import (
	"cmp"
	"math"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// fetchedBytes bounds the bodies that the consumers of one consumption have in memory. RabbitMQ counts messages and not bytes: it has sent the
// whole prefetch before the sizes are known. So a body without room is dropped as it comes, while RabbitMQ still keeps its message. It
// is safe for concurrent use.
type fetchedBytes struct {
	limit int64
	gauge prometheus.Gauge

	mu      sync.Mutex
	held    int64
	largest int64     // body of late
	last    time.Time // when a body of half of that size, or more, last came or was freed
	dropped bool      // a body was dropped, and such bodies still come
}

// newFetchedBytes returns a bound of limit bytes; 0: none. It adds the held bytes to gauge.
func newFetchedBytes(limit int64, gauge prometheus.Gauge) *fetchedBytes {
	return &fetchedBytes{limit: cmp.Or(limit, math.MaxInt64), gauge: gauge}
}

// take reserves the bytes of a body, and reports whether there is room. There is always room for one body.
func (f *fetchedBytes) take(size int, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := int64(size)
	f.forget(now)
	if n >= f.largest/2 {
		f.largest, f.last = max(f.largest, n), now
	}
	if f.held > 0 && n > f.limit-f.held {
		f.dropped = true
		return false
	}
	f.add(n)
	return true
}

// free returns the bytes of a body.
func (f *fetchedBytes) free(size int, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := int64(size)
	if n >= f.largest/2 {
		f.last = now
	}
	f.add(-n)
}

func (f *fetchedBytes) add(n int64) {
	f.held += n
	f.gauge.Add(float64(n))
}

// fit returns the largest prefetch up to n for which there is room, if all bodies are as large as the largest of late. It is n unless a
// body was dropped.
func (f *fetchedBytes) fit(n int, now time.Time) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forget(now)
	if !f.dropped {
		return n
	}
	return int(max(1, min(int64(n), f.limit/max(1, f.largest))))
}

// forget forgets the largest body carefulTime after the last one of about its size was freed: a handler can hold it for longer than that.
func (f *fetchedBytes) forget(now time.Time) {
	if now.Sub(f.last) > carefulTime && f.held <= f.largest/2 {
		f.largest, f.dropped = 0, false
	}
}
