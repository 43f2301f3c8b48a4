package consoletest

import (
	"context"
	"maps"
	"sync"

	"github.com/hookline/hookline/broker"
)

// pauser keeps pauses in memory.
type pauser struct {
	mu     sync.Mutex
	pauses map[string]broker.Pause
}

// Pause pauses a route that the library has.
func (p *pauser) Pause(_ context.Context, route string, pause broker.Pause) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range routes() {
		if r.Name == route {
			pause.Since = Now()
			p.pauses[route] = pause
			return nil
		}
	}
	return broker.ErrNotConsumed
}

// Resume ends a pause.
func (p *pauser) Resume(_ context.Context, route string, _ broker.Pause) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pauses, route)
	return nil
}

// Pauses returns the pauses.
func (p *pauser) Pauses(context.Context) (map[string]broker.Pause, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.pauses), nil
}
