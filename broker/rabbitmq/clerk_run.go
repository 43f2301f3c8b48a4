package rabbitmq

import (
	"context"
	"maps"
	"strconv"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/ledger"
)

// lastTime is how long a try to write notes may go on after the stop.
const lastTime = 2 * time.Second

// run writes pages when they are due until ctx ends, and then what is left, if that is possible at once.
func (c *clerk) run(ctx context.Context) {
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

// untilDue is how long the first page can wait.
func (c *clerk) untilDue() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.due.IsZero() {
		return time.Hour
	}
	return time.Until(c.due)
}

// left is how many notes a stop has left unwritten.
func (c *clerk) left() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.abandoned + c.unwritten
}

// repeat says again what is held.
func (c *clerk) repeat() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.held) > 0 {
		c.page(0)
	}
}

// leave says that what is held goes back now.
func (c *clerk) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.held) > 0 {
		clear(c.held)
		clear(c.running)
		c.page(0)
	}
}

// write writes the oldest page, and tells whether there was one and it is stored.
func (c *clerk) write(ctx context.Context) bool {
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

// take makes a message of the oldest page.
func (c *clerk) take() (p *page, m message, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.pages) == 0 {
		return nil, message{}, false
	}
	p, c.pages, c.due = c.pages[0], c.pages[1:], time.Time{}
	if len(c.pages) > 0 {
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
	return p, message{broker.LedgerExchange, broker.LedgerNote, amqp.Publishing{
		MessageId: c.process + "-" + strconv.FormatInt(p.number, 10), ContentType: "application/json", Type: kind,
		DeliveryMode: amqp.Persistent, Body: notes.Encode(),
	}}, true
}

// persist stores the message, however often it has to be tried; readers know it again by its number. When ctx has
// ended it gives up at the first failure.
func (c *clerk) persist(ctx context.Context, m message) bool {
	for pause := firstNotePause; ; pause = min(2*pause, maxNotePause) {
		if ctx.Err() != nil && c.courier.link.ready() != nil {
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
func (c *clerk) try(working context.Context, m message) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(working), noteTime)
	defer cancel()
	defer context.AfterFunc(working, func() { time.AfterFunc(lastTime, cancel) })()
	return c.courier.bring(ctx, m)
}

// fail makes nobody wait any more.
func (c *clerk) fail() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.failed:
	default:
		close(c.failed)
	}
}

// resume makes them wait again.
func (c *clerk) resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.failed:
		c.failed = make(chan struct{})
	default:
	}
}
