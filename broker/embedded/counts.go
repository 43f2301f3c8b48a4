package embedded

import (
	"sync"
	"time"
)

// countPause is the longest time until counts are written.
const countPause = time.Second

// counts are numbers by source that are not on the disk yet.
type counts struct {
	mu      sync.Mutex
	pending map[tally]int64
}

func (c *counts) add(t tally, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending == nil {
		c.pending = map[tally]int64{}
	}
	c.pending[t] += n
}

func (c *counts) take() map[tally]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.pending
	c.pending = nil
	return taken
}
