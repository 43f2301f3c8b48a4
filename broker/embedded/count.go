package embedded

import (
	"context"
	"sync"
	"time"
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
func (l *Line) Count(source, what string) {
	l.write.counts.add(tally{source, what}, 1)
}

// Spooled does nothing: before a line that is a disk itself, no receiver has a spool.
func (l *Line) Spooled(map[string]int64) {}

// Lacking is nothing: what is missing in the file is made.
func (l *Line) Lacking() []string { return nil }

// AuditTurn is true: one process has the line.
func (l *Line) AuditTurn(context.Context) (bool, error) { return true, nil }

// EmitTurn is true for the same reason.
func (l *Line) EmitTurn(context.Context) (bool, error) { return true, nil }
