package rabbitmq

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/hookline/hookline/broker/ledger"
	"github.com/hookline/hookline/pkg/event"
)

const (
	// linger is how long notes that nobody waits for may wait for others. Those for which a delivery waits may wait for
	// shortLinger while its route has others in hand that could join them, else for lastLinger, since more may be on their way.
	linger      = 100 * time.Millisecond
	countLinger = time.Second // of what receivers count, which strangers can cause
	shortLinger = 20 * time.Millisecond
	lastLinger  = time.Millisecond
	// noteTime is how long one try to write notes may take, and how long a finished delivery is held for its note.
	noteTime = 10 * time.Second
	// The time between two tries doubles from one to the other.
	firstNotePause = time.Second
	maxNotePause   = 5 * time.Second
)

// clerk writes this process's notes into the ledger. One message is on its way at a time; what is noted meanwhile goes
// into the next, so that a busy process writes no more messages than an idle one.
type clerk struct {
	courier *courier
	process string
	spool   string
	metrics *metrics
	log     *zap.Logger
	wake    chan struct{} // capacity 1: due has changed

	abandoned int // notes that a stop has left unwritten; only run has it

	mu        sync.Mutex
	due       time.Time     // when to write the first page; zero: there is none
	patience  time.Duration // of the note for which that is
	pages     []*page       // oldest first; notes go to the last
	unwritten int           // notes in pages
	number    int64         // of the last message
	lost      int64         // notes that were given up since the last message
	failed    chan struct{} // closed: nobody waits until something could be written again
	held      map[string]int64
	running   map[string]int64
	counts    map[string]map[string]int64
	spooled   map[string]int64 // nil: as in the last message
}

func newClerk(l *link, cfg Config, m *metrics, log *zap.Logger) *clerk {
	return &clerk{
		courier: &courier{link: l}, process: rand.Text()[:12], spool: cfg.Spool, metrics: m, log: log,
		wake: make(chan struct{}, 1), failed: make(chan struct{}),
		held: map[string]int64{}, running: map[string]int64{}, counts: map[string]map[string]int64{},
	}
}

// accepted notes that e was stored for routes, or unrouted if there are none.
func (c *clerk) accepted(e event.Event, routes []string) {
	c.note(linger, ledger.Accepted, e, routes)
}

// retrying notes that e was put away until another attempt.
func (c *clerk) retrying(e event.Event, route string) {
	c.note(linger, ledger.Retrying, e, []string{route})
}

// routed notes that e, which was unrouted, was stored again for routes.
func (c *clerk) routed(e event.Event, routes []string) { c.note(0, ledger.Routed, e, routes) }

// finished notes on the page that it returns that e, which was held, is done or discarded by a route, or as unrouted ("").
// What leaves the line without a note would be missed for ever: the page has to be waited for. It is written at once if there
// is a hurry.
func (c *clerk) finished(hurry bool, kind ledger.Kind, e event.Event, route string) *page {
	var routes []string
	if route != "" {
		routes = []string{route}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(c.held, route, -1)
	patience := shortLinger
	switch {
	case hurry:
		patience = 0
	case c.held[route] == 0:
		patience = lastLinger
	}
	return c.enter(patience, kind, e, routes)
}

// await returns when p is stored. It waits no longer than noteTime, and while notes cannot be written not at all, so that
// events are worked on while the broker takes none.
func (c *clerk) await(p *page) {
	c.mu.Lock()
	failed := c.failed
	c.mu.Unlock()
	timer := time.NewTimer(noteTime)
	defer timer.Stop()
	select {
	case <-p.written:
	case <-failed:
	case <-timer.C:
		c.fail()
	}
}

// hold counts deliveries of a route that this process has got, or, if n is negative, has no more.
func (c *clerk) hold(route string, n int64) {
	if n == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(c.held, route, n)
	c.page(linger)
}

// work counts those of them that are worked on, in the same way.
func (c *clerk) work(route string, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(c.running, route, n)
	c.page(linger)
}

func (*clerk) add(to map[string]int64, route string, n int64) {
	if to[route] += n; to[route] == 0 {
		delete(to, route)
	}
}

// count is broker.Counter's.
func (c *clerk) count(source, what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts[source] == nil {
		c.counts[source] = map[string]int64{}
	}
	c.counts[source][what]++
	c.page(countLinger)
}

// setSpooled is broker.Counter's.
func (c *clerk) setSpooled(events map[string]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spooled = maps.Clone(events)
	c.page(linger)
}

// flush returns when everything that was noted so far is stored, with the number of the last message.
func (c *clerk) flush(ctx context.Context) (int64, error) {
	c.mu.Lock()
	p := c.page(0)
	c.mu.Unlock()
	select {
	case <-p.written:
	case <-ctx.Done():
		return 0, fmt.Errorf("the ledger cannot be written: %w", ctx.Err())
	}
	if p.number == 0 {
		return 0, errors.New("notes were given up, since the ledger cannot be written")
	}
	return p.number, nil
}

func (c *clerk) note(patience time.Duration, kind ledger.Kind, e event.Event, routes []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.enter(patience, kind, e, routes)
}

func (c *clerk) enter(patience time.Duration, kind ledger.Kind, e event.Event, routes []string) *page {
	p := c.page(patience)
	p.add(kind, e, routes)
	c.unwritten++
	c.shed()
	return p
}

// page is the one that takes notes now, which is to be written soon enough.
func (c *clerk) page(patience time.Duration) *page {
	if c.due.IsZero() || patience < c.patience { // else nothing can be due earlier
		if at := time.Now().Add(patience); c.due.IsZero() || at.Before(c.due) {
			c.due, c.patience = at, patience
			select {
			case c.wake <- struct{}{}:
			default:
			}
		}
	}
	if n := len(c.pages); n > 0 && c.pages[n-1].size < fullPage {
		return c.pages[n-1]
	}
	p := newPage()
	c.pages = append(c.pages, p)
	return p
}

// shed gives up the oldest notes if there are too many.
func (c *clerk) shed() {
	for c.unwritten > maxUnwritten && len(c.pages) > 1 {
		p := c.pages[0]
		c.pages = c.pages[1:]
		c.unwritten -= p.size
		c.lost += int64(p.size)
		c.metrics.dropped.Add(float64(p.size))
		close(p.written)
	}
}
