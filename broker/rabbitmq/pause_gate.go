package rabbitmq

import (
	"context"
	"fmt"
	"maps"
	"sync"

	"github.com/hookline/hookline/broker"
)

// pauseGate lets consumptions work on the routes that no person has paused.
type pauseGate struct {
	mu      sync.Mutex
	known   bool // the pauses were read
	closed  bool
	pauses  map[string]broker.Pause
	changed chan struct{} // closed and replaced by set
	rounds  map[*pausableRound]bool
}

// pausableRound is the work on a route until the route is paused.
type pausableRound struct {
	route string
	end   context.CancelFunc
}

func newPauseGate() *pauseGate {
	return &pauseGate{changed: make(chan struct{}), rounds: map[*pausableRound]bool{}}
}

// enter waits until a route is not paused. It returns a context that ends with ctx, and when the route is paused; call leave after it. After
// the end of ctx, enter returns at once. Its error wraps broker.ErrDown: the broker was closed.
func (g *pauseGate) enter(ctx context.Context, route string) (round context.Context, leave func(), err error) {
	round, end := context.WithCancel(ctx)
	r := &pausableRound{route, end}
	leave = func() {
		end()
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.rounds, r)
	}
	for ctx.Err() == nil {
		changed, entered, err := g.try(r)
		if entered || err != nil {
			return round, leave, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
	return round, leave, nil
}

// try adds a round unless its route is paused. Then it returns a channel that is closed at the next change.
func (g *pauseGate) try(r *pausableRound) (changed <-chan struct{}, entered bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, false, fmt.Errorf("%w: %w", broker.ErrDown, errClosed)
	}
	if _, paused := g.pauses[r.route]; paused || !g.known {
		return g.changed, false, nil
	}
	g.rounds[r] = true
	return nil, true, nil
}

// set replaces the pauses. When it returns, the rounds of paused routes have ended.
func (g *pauseGate) set(pauses map[string]broker.Pause) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.known, g.pauses = true, maps.Clone(pauses)
	for r := range g.rounds {
		if _, paused := pauses[r.route]; paused {
			r.end()
		}
	}
	g.tell()
}

// tell wakes all that wait for a change.
func (g *pauseGate) tell() {
	close(g.changed)
	g.changed = make(chan struct{})
}

// close lets nobody enter any more.
func (g *pauseGate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	g.tell()
}

// open lets all routes work whose pauses are unknown, because nobody can read them.
func (g *pauseGate) open() {
	g.mu.Lock()
	known := g.known
	g.mu.Unlock()
	if !known {
		g.set(nil)
	}
}

// get returns the pauses.
func (g *pauseGate) get() map[string]broker.Pause {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.pauses)
}
