package rabbitmq

import (
	"cmp"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// queuedEvent is what a message in a work or dead-letter queue says: the event and what has become of it so far.
type queuedEvent struct {
	event   event.Event
	attempt int       // the next one; of a dead letter: how many there were
	due     time.Time // zero: now
	reason  string
	first   string // error
	last    string // error
	died    time.Time
}

func read(d amqp.Delivery, now time.Time) queuedEvent {
	r := queuedEvent{
		event: decode(d, now), attempt: 1,
		reason: text(d.Headers[headerReason]),
		first:  text(d.Headers[headerFirstError]),
		last:   text(d.Headers[headerLastError]),
	}
	if n, ok := number(d.Headers[headerAttempt]); ok && n > 0 && n <= 1<<30 {
		r.attempt = int(n)
	}
	r.due = due(d, now)
	r.died, _ = moment(d.Headers[headerDied])
	return r
}

// due is when the event may be tried again, by the clock of this process: never later from now than it was when the
// message was stored, whatever the clock of that process said.
func due(d amqp.Delivery, now time.Time) time.Time {
	at, ok := moment(d.Headers[headerDue])
	if wait, known := number(d.Headers[headerWait]); ok && known && wait >= 0 && at.Sub(now).Milliseconds() > wait {
		at = now.Add(time.Duration(wait) * time.Millisecond).UTC().Truncate(time.Millisecond)
	}
	return at
}

// failed is the record after an attempt that ended with o.
func (r queuedEvent) failed(o broker.Outcome) queuedEvent {
	r.reason = o.Reason
	r.last = broker.ErrorText(o.Err)
	r.first = cmp.Or(r.first, r.last)
	return r
}

// write is the message of the record for route's work queue name as the routing key, at exchange.
func (r queuedEvent) write(exchange, route string) message {
	p := encode(r.event)
	p.Headers[headerRoute] = route
	p.Headers[headerAttempt] = int64(r.attempt)
	for name, s := range map[string]string{headerReason: r.reason, headerFirstError: r.first, headerLastError: r.last} {
		if s != "" {
			p.Headers[name] = s[:min(len(s), maxLong)]
		}
	}
	for name, at := range map[string]time.Time{headerDue: r.due, headerDied: r.died} {
		if !at.IsZero() {
			p.Headers[name] = at.UnixMilli()
		}
	}
	if !r.due.IsZero() {
		p.Headers[headerWait] = max(0, time.Until(r.due).Milliseconds()+1)
	}
	return message{exchange, broker.WorkQueue(route), p}
}

// deadLetter reads what lies in a route's dead-letter queue.
func deadLetter(d amqp.Delivery, route string, now time.Time) broker.DeadLetter {
	r := read(d, now)
	if r.died.IsZero() { // RabbitMQ made it itself: workers died with it before they could count it (x-delivery-limit)
		r.reason, r.died = broker.ReasonCrashed, now.UTC().Truncate(time.Millisecond)
		for _, death := range deaths(d) {
			if at, ok := death["time"].(time.Time); ok {
				r.died = at.UTC()
				break
			}
		}
	}
	return broker.DeadLetter{
		Event: r.event, Route: route, Reason: r.reason, Attempts: r.attempt,
		FirstError: r.first, LastError: r.last, Died: r.died,
	}
}
