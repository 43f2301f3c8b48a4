package rabbitmq

import (
	"cmp"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// queuedEvent is an event in a work, delay or dead-letter queue, with the history of its attempts.
type queuedEvent struct {
	event      event.Event
	attempt    int       // number of the next attempt; of a dead letter: how many attempts there were
	due        time.Time // of the next attempt; zero: now
	reason     string    // why the last attempt failed
	firstError string
	lastError  string
	died       time.Time // when its route gave it up
}

func readQueuedEvent(d amqp.Delivery, now time.Time) queuedEvent {
	q := queuedEvent{
		event: decode(d, now), attempt: 1, due: dueTime(d, now),
		reason:     text(d.Headers[headerReason]),
		firstError: text(d.Headers[headerFirstError]),
		lastError:  text(d.Headers[headerLastError]),
	}
	if n, ok := number(d.Headers[headerAttempt]); ok && n > 0 && n <= 1<<30 {
		q.attempt = int(n)
	}
	q.died, _ = moment(d.Headers[headerDied])
	return q
}

// dueTime returns the time of the next attempt, by this process's clock. It limits the wait to the delay in the message, because
// the clock of the process that stored the message may be wrong.
func dueTime(d amqp.Delivery, now time.Time) time.Time {
	at, ok := moment(d.Headers[headerDue])
	if wait, known := number(d.Headers[headerWait]); ok && known && wait >= 0 && at.Sub(now).Milliseconds() > wait {
		at = now.Add(time.Duration(wait) * time.Millisecond).UTC().Truncate(time.Millisecond)
	}
	return at
}

// givenUp reports whether the event is a dead letter that its queue has refused, and that waits for another try. A dead letter that somebody
// moved back to the work queue has no due time.
func (q queuedEvent) givenUp() bool { return !q.died.IsZero() && !q.due.IsZero() }

// failed returns q after an attempt that ended with o.
func (q queuedEvent) failed(o broker.Outcome) queuedEvent {
	q.reason = o.Reason
	q.lastError = broker.ErrorText(o.Err)
	q.firstError = cmp.Or(q.firstError, q.lastError)
	return q
}

// message returns the message that stores q for a route at exchange. Its routing key is the name of the route's work queue.
func (q queuedEvent) message(exchange, route string) message {
	p := encode(q.event)
	p.Headers[headerRoute] = route
	p.Headers[headerAttempt] = int64(q.attempt)
	for name, s := range map[string]string{headerReason: q.reason, headerFirstError: q.firstError, headerLastError: q.lastError} {
		if s != "" {
			p.Headers[name] = s[:min(len(s), maxLong)]
		}
	}
	for name, at := range map[string]time.Time{headerDue: q.due, headerDied: q.died} {
		if !at.IsZero() {
			p.Headers[name] = at.UnixMilli()
		}
	}
	if !q.due.IsZero() {
		p.Headers[headerWait] = max(0, time.Until(q.due).Milliseconds()+1)
	}
	return message{exchange, broker.WorkQueue(route), p}
}

// readDeadLetter reads a message of a route's dead-letter queue.
func readDeadLetter(d amqp.Delivery, route string, now time.Time) broker.UndeliveredEvent {
	q := readQueuedEvent(d, now)
	if q.died.IsZero() { // RabbitMQ dead-lettered it by x-delivery-limit: workers died before they could count the attempt
		q.reason, q.died = broker.ReasonCrashed, now.UTC().Truncate(time.Millisecond)
		for _, death := range deaths(d) {
			if at, ok := death["time"].(time.Time); ok {
				q.died = at.UTC()
				break
			}
		}
	}
	return broker.UndeliveredEvent{
		Event: q.event, Route: route, Reason: q.reason, Attempts: q.attempt,
		FirstError: q.firstError, LastError: q.lastError, Died: q.died,
	}
}
