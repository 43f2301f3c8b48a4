package rabbitmq

import (
	"fmt"
	"time"

	"github.com/hookline/hookline/broker"
)

// cursor is the boundary between two pages of a queue. Messages have no key in a queue, so the cursor names the events at both sides:
// the next page begins at the boundary as long as one of the two is in the queue. Removed events only move the boundary to the head.
type cursor struct {
	before     int                // number of events before the boundary
	last, next broker.Fingerprint // of the event before it and the event after it
	time       time.Time          // of the event after it
}

func parseCursor(text string) (c cursor, err error) {
	if text == "" {
		return c, nil
	}
	var millis int64
	var last, next []byte
	n, err := fmt.Sscanf(text, "%d.%d.%x.%x", &c.before, &millis, &last, &next)
	if err != nil || n != 4 || len(last) != len(c.last) || len(next) != len(c.next) {
		return c, broker.ErrCursor
	}
	c.last, c.next, c.time = broker.Fingerprint(last), broker.Fingerprint(next), time.UnixMilli(millis)
	return c, nil
}

func (c cursor) String() string {
	return fmt.Sprintf("%d.%d.%x.%x", c.before, c.time.UnixMilli(), c.last[:], c.next[:])
}

// pageCollector collects the events of one page while a browse brings the events of the queue in order.
type pageCollector struct {
	limit  int
	after  cursor
	number int  // of events so far
	found  bool // the boundary was found
	begin  int  // number of events before events
	events []broker.UndeliveredEvent
	bytes  int
	next   *broker.UndeliveredEvent // the event after the page
}

func newPageCollector(p broker.Page) (*pageCollector, error) {
	if p.Limit < 1 {
		return nil, fmt.Errorf("a page of %d events: the limit is at least 1", p.Limit)
	}
	after, err := parseCursor(p.After)
	return &pageCollector{limit: p.Limit, after: after}, err
}

// add adds the next event of the queue. If both events at the boundary were removed, the page begins with the first event that is at
// least as recent as the one after the boundary was. So a page may repeat an event, and never skips one.
func (p *pageCollector) add(u broker.UndeliveredEvent) {
	i, fingerprint := p.number, broker.FingerprintOf(u.Event)
	p.number++
	switch {
	case p.after == cursor{}:
	case i <= p.after.before && fingerprint == p.after.next:
		p.restart(i)
	case i < p.after.before && fingerprint == p.after.last:
		p.restart(i + 1)
		return
	case !p.found && len(p.events) == 0 && i < p.after.before && timeOfUndelivered(u).Before(p.after.time):
		p.begin = i + 1
		return
	}
	if len(p.events) < p.limit && p.bytes < broker.MaxPageBytes {
		p.events = append(p.events, u)
		p.bytes += len(u.Event.Data)
	} else if p.next == nil {
		p.next = &u
	}
}

// restart begins the page at the boundary, which follows begin events.
func (p *pageCollector) restart(begin int) {
	p.found, p.begin, p.events, p.bytes, p.next = true, begin, nil, 0, nil
}

// full reports whether no later event changes the page.
func (p *pageCollector) full() bool { return p.next != nil && p.number > p.after.before }

// result returns the events, and the cursor of the next page.
func (p *pageCollector) result() (events []broker.UndeliveredEvent, next string) {
	if p.next == nil {
		return p.events, ""
	}
	last := p.events[len(p.events)-1]
	return p.events, cursor{
		before: p.begin + len(p.events), last: broker.FingerprintOf(last.Event), next: broker.FingerprintOf(p.next.Event), time: timeOfUndelivered(*p.next),
	}.String()
}

// timeOfUndelivered is the time of an event's death, or of its receipt if it is unrouted.
func timeOfUndelivered(u broker.UndeliveredEvent) time.Time {
	if u.Route == broker.Unrouted {
		return u.Event.Time
	}
	return u.Died
}
