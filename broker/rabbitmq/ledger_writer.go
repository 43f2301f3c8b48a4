package rabbitmq

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
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

// ledgerWriter writes this process's notes into the ledger. One message is on its way at a time; what is noted meanwhile goes
// into the next, so that a busy process writes no more messages than an idle one.
type ledgerWriter struct {
	publisher *ledgerPublisher
	process   string
	spool     string
	metrics   *metrics
	log       *zap.Logger
	wake      chan struct{} // capacity 1: due has changed

	abandoned int // notes that a stop has left unwritten; only run has it

	mu        sync.Mutex
	due       time.Time     // when to write the first batch; zero: there is none
	patience  time.Duration // of the note for which that is
	batches   []*noteBatch  // oldest first; notes go to the last
	unwritten int           // notes in batches
	number    int64         // of the last message
	lost      int64         // notes that were given up since the last message
	failed    chan struct{} // closed: nobody waits until something could be written again
	held      map[string]int64
	running   map[string]int64
	counts    map[string]map[string]int64
	spooled   map[string]int64 // nil: as in the last message
}

func newLedgerWriter(l *connection, cfg Config, m *metrics, log *zap.Logger) *ledgerWriter {
	return &ledgerWriter{
		publisher: &ledgerPublisher{conn: l}, process: rand.Text()[:12], spool: cfg.Spool, metrics: m, log: log,
		wake: make(chan struct{}, 1), failed: make(chan struct{}),
		held: map[string]int64{}, running: map[string]int64{}, counts: map[string]map[string]int64{},
	}
}

// accepted notes that e was stored for routes, or unrouted if there are none.
func (c *ledgerWriter) accepted(e event.Event, routes []string) {
	c.note(linger, ledger.Accepted, e, routes)
}

// retrying notes that e was put away until another attempt.
func (c *ledgerWriter) retrying(e event.Event, route string) {
	c.note(linger, ledger.Retrying, e, []string{route})
}

// routed notes that e, which was unrouted, was stored again for routes.
func (c *ledgerWriter) routed(e event.Event, routes []string) { c.note(0, ledger.Routed, e, routes) }

// finished notes on the batch that it returns that e, which was held, is done or discarded by a route, or as unrouted ("").
// What leaves the line without a note would be missed for ever: the batch has to be waited for. It is written at once if there
// is a hurry.
func (c *ledgerWriter) finished(hurry bool, kind ledger.Kind, e event.Event, route string) *noteBatch {
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
func (c *ledgerWriter) await(p *noteBatch) {
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
func (c *ledgerWriter) hold(route string, n int64) {
	if n == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(c.held, route, n)
	c.batch(linger)
}

// work counts those of them that are worked on, in the same way.
func (c *ledgerWriter) work(route string, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(c.running, route, n)
	c.batch(linger)
}

func (*ledgerWriter) add(to map[string]int64, route string, n int64) {
	if to[route] += n; to[route] == 0 {
		delete(to, route)
	}
}

// count is broker.Counter's.
func (c *ledgerWriter) count(source, what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts[source] == nil {
		c.counts[source] = map[string]int64{}
	}
	c.counts[source][what]++
	c.batch(countLinger)
}

// setSpooled is broker.Counter's.
func (c *ledgerWriter) setSpooled(events map[string]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spooled = maps.Clone(events)
	c.batch(linger)
}

// flush returns when everything that was noted so far is stored, with the number of the last message.
func (c *ledgerWriter) flush(ctx context.Context) (int64, error) {
	c.mu.Lock()
	p := c.batch(0)
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

func (c *ledgerWriter) note(patience time.Duration, kind ledger.Kind, e event.Event, routes []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.enter(patience, kind, e, routes)
}

func (c *ledgerWriter) enter(patience time.Duration, kind ledger.Kind, e event.Event, routes []string) *noteBatch {
	p := c.batch(patience)
	p.add(kind, e, routes)
	c.unwritten++
	c.shed()
	return p
}

// batch is the one that takes notes now, which is to be written soon enough.
func (c *ledgerWriter) batch(patience time.Duration) *noteBatch {
	if c.due.IsZero() || patience < c.patience { // else nothing can be due earlier
		if at := time.Now().Add(patience); c.due.IsZero() || at.Before(c.due) {
			c.due, c.patience = at, patience
			select {
			case c.wake <- struct{}{}:
			default:
			}
		}
	}
	if n := len(c.batches); n > 0 && c.batches[n-1].size < maxBatch {
		return c.batches[n-1]
	}
	p := newNoteBatch()
	c.batches = append(c.batches, p)
	return p
}

// shed gives up the oldest notes if there are too many.
func (c *ledgerWriter) shed() {
	for c.unwritten > maxUnwritten && len(c.batches) > 1 {
		p := c.batches[0]
		c.batches = c.batches[1:]
		c.unwritten -= p.size
		c.lost += int64(p.size)
		c.metrics.dropped.Add(float64(p.size))
		close(p.written)
	}
}

// lastTime is how long a try to write notes may go on after the stop.
const lastTime = 2 * time.Second

// run writes batches when they are due until ctx ends, and then what is left, if that is possible at once.
func (c *ledgerWriter) run(ctx context.Context) {
	due := time.NewTimer(0)
	defer due.Stop()
	again := time.NewTicker(ledger.HoldInterval)
	defer again.Stop()
	for ctx.Err() == nil {
		due.Reset(c.untilDue())
		select {
		case <-c.wake:
		case <-due.C:
			c.write(ctx)
		case <-again.C:
			c.repeat()
		case <-ctx.Done():
		}
	}
	c.leave()
	for c.write(ctx) {
	}
	if left := c.left(); left > 0 {
		c.log.Warn("stopped before the last notes could be written to the ledger: an audit misses what they say", zap.Int("notes", left))
	}
}

// untilDue is how long the first batch can wait.
func (c *ledgerWriter) untilDue() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.due.IsZero() {
		return time.Hour
	}
	return time.Until(c.due)
}

// left is how many notes a stop has left unwritten.
func (c *ledgerWriter) left() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.abandoned + c.unwritten
}

// repeat says again what is held.
func (c *ledgerWriter) repeat() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.held) > 0 {
		c.batch(0)
	}
}

// leave says that what is held goes back now.
func (c *ledgerWriter) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.held) > 0 {
		clear(c.held)
		clear(c.running)
		c.batch(0)
	}
}

// write writes the oldest batch, and tells whether there was one and it is stored.
func (c *ledgerWriter) write(ctx context.Context) bool {
	p, m, ok := c.take()
	if !ok {
		return false
	}
	if !c.persist(ctx, m) {
		c.abandoned += p.size
		return false
	}
	close(p.written)
	c.resume()
	return true
}

// take makes a message of the oldest batch.
func (c *ledgerWriter) take() (p *noteBatch, m message, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.batches) == 0 {
		return nil, message{}, false
	}
	p, c.batches, c.due = c.batches[0], c.batches[1:], time.Time{}
	if len(c.batches) > 0 {
		c.due, c.patience = time.Now(), 0
	}
	c.unwritten -= p.size
	c.number++
	p.number = c.number
	notes := ledger.Notes{
		Process: c.process, Number: p.number, Time: time.Now().UnixMilli(),
		Notes: p.notes, Held: maps.Clone(c.held), Running: maps.Clone(c.running), Counts: c.counts, Lost: c.lost,
	}
	if c.spooled != nil {
		notes.Spool, notes.Spooled = c.spool, c.spooled
	}
	c.counts, c.spooled, c.lost = map[string]map[string]int64{}, nil, 0
	kind := ""
	if p.stored {
		kind = typeAccepted
	}
	return p, message{LedgerExchange, LedgerNote, amqp.Publishing{
		MessageId: c.process + "-" + strconv.FormatInt(p.number, 10), ContentType: "application/json", Type: kind,
		DeliveryMode: amqp.Persistent, Body: notes.Encode(),
	}}, true
}

// persist stores the message, however often it has to be tried; readers know it again by its number. When ctx has
// ended it gives up at the first failure.
func (c *ledgerWriter) persist(ctx context.Context, m message) bool {
	for pause := firstNotePause; ; pause = min(2*pause, maxNotePause) {
		if ctx.Err() != nil && c.publisher.conn.ready() != nil {
			return false
		}
		err := c.try(ctx, m)
		if err == nil {
			return true
		}
		if pause == firstNotePause && ctx.Err() == nil {
			c.log.Warn("the ledger cannot be written; trying again", zap.Error(err))
		}
		if forbidden(err) || missing(err) { // it will take a person
			c.fail()
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return false
		}
	}
}

// try goes on for a moment when working has ended.
func (c *ledgerWriter) try(working context.Context, m message) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(working), noteTime)
	defer cancel()
	defer context.AfterFunc(working, func() { time.AfterFunc(lastTime, cancel) })()
	return c.publisher.bring(ctx, m)
}

// fail makes nobody wait any more.
func (c *ledgerWriter) fail() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.failed:
	default:
		close(c.failed)
	}
}

// resume makes them wait again.
func (c *ledgerWriter) resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.failed:
		c.failed = make(chan struct{})
	default:
	}
}
