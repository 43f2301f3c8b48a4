package embedded

import (
	"context"
	"sync"
	"time"

	"github.com/hookline/hookline/broker"
)

// countPause is the longest time that counts wait for a batch to be written with.
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

// Count adds one to a number of a source. It is in memory, and on the disk with the next event or outcome, within a second,
// or when the line is closed: a crash loses what is counted there, and nothing else.
func (b *Broker) Count(source, what string) {
	b.write.counts.add(tally{source, what}, 1)
}

// Spooled does nothing: before a line that is a disk itself, no receiver has a spool.
func (b *Broker) Spooled(map[string]int64) {}

// Lacking returns nil: Open creates all that is missing in the file.
func (b *Broker) Lacking() []string { return nil }

// Leads returns true: one process alone runs the broker.
func (b *Broker) Leads(context.Context, broker.LeaderRole) (bool, error) { return true, nil }
