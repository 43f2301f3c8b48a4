package embedded

import (
	"sync"
	"time"
)

// countPause is the longest time until counts are written.
const countPause = time.Second

// pendingCounts are numbers by source that are not on the disk yet.
type pendingCounts struct {
	mu      sync.Mutex
	pending map[tally]int64
}

func (c *pendingCounts) add(t tally, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending == nil {
		c.pending = map[tally]int64{}
	}
	c.pending[t] += n
}

func (c *pendingCounts) take() map[tally]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.pending
	c.pending = nil
	return taken
}
