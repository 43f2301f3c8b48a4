package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/journal"
	"github.com/hookline/hookline/pkg/event"
)

// place is where a selection looks for events, and where its jobs act on them.
type place interface {
	// look visits the events of a route that are there now, with the size of their bodies.
	look(ctx context.Context, route string, s Selection, visit func(d broker.StoredDelivery, bytes int) (more bool)) error
	// act acts on the picked events of a route, and returns their number.
	act(ctx context.Context, a Action, route string, c *chunk) (int, error)
}

// place returns the place of selections, or an error that says why there is none.
func (j *Jobs) place(from From, to []string) (place, error) {
	p := j.parts
	switch {
	case (from == FromDead || from == FromUnrouted) && p.Undelivered != nil:
		return undelivered{p.Undelivered}, nil
	case from == FromFailing && p.Retrier != nil:
		return failing{p.Retrier}, nil
	case from == FromJournal && p.Journal != nil && p.Redeliverer != nil:
		return recorded{p.Journal, p.Redeliverer, to}, nil
	case from == FromJournal:
		return nil, fmt.Errorf("%w: events of the journal cannot be replayed, because the journal is off: switch it on in the configuration", ErrRequest)
	}
	return nil, fmt.Errorf("%w: this process cannot act on %s events", ErrRequest, from)
}

// undelivered is the place of dead letters and unrouted events.
type undelivered struct{ broker Undelivered }

func (u undelivered) look(ctx context.Context, route string, _ Selection, visit func(broker.StoredDelivery, int) bool) error {
	return u.broker.Each(ctx, route, func(e broker.UndeliveredEvent) bool {
		return visit(broker.StoredDelivery{UndeliveredEvent: e}, len(e.Event.Data))
	})
}

// act ends its walk through the queue with the last event of the chunk. RabbitMQ returns those that it has passed behind the others, so that
// the walks of a job together go through the queue about once.
func (u undelivered) act(ctx context.Context, a Action, route string, c *chunk) (int, error) {
	walking, stop := context.WithCancel(ctx)
	defer stop()
	pick := func(e broker.UndeliveredEvent) bool {
		picked := c.pick(broker.StoredDelivery{UndeliveredEvent: e})
		if c.complete() {
			stop() // the broker still acts on this event
		}
		return picked
	}
	do := u.broker.Replay
	if a == Discard {
		do = u.broker.Discard
	}
	n, err := do(walking, route, pick)
	if c.complete() && ctx.Err() == nil && errors.Is(err, context.Canceled) {
		err = nil
	}
	return n, err
}

// failing is the place of the events that wait for another attempt.
type failing struct{ broker Retrier }

func (f failing) look(ctx context.Context, route string, _ Selection, visit func(broker.StoredDelivery, int) bool) error {
	more := true
	_, err := f.broker.RetryNow(ctx, route, func(d broker.StoredDelivery) bool {
		more = more && visit(d, len(d.Event.Data))
		return false
	})
	return err
}

func (f failing) act(ctx context.Context, _ Action, route string, c *chunk) (int, error) {
	return f.broker.RetryNow(ctx, route, c.pick)
}

// recorded is the place of the events in the journal. They stay there, so that a look cannot tell whether one was acted on.
type recorded struct {
	journal Journal
	broker  Redeliverer
	to      []string
}

func (r recorded) look(ctx context.Context, _ string, s Selection, visit func(broker.StoredDelivery, int) bool) error {
	for _, f := range s.filters() {
		for p := (journal.Page{Limit: 500}); ; {
			events, next, err := r.journal.Events(ctx, f, p)
			if err != nil {
				return err
			}
			for _, e := range events {
				if chosen := len(s.IDs) == 0 || slices.Contains(s.IDs, e.Key.ID); chosen && !visit(r.delivery(e), int(e.Size)) {
					return nil
				}
			}
			if next == "" {
				break
			}
			p.Before = next
		}
	}
	return nil
}

// delivery returns an event of the journal as if it had died with its newest attempt.
func (r recorded) delivery(e journal.Summary) broker.StoredDelivery {
	d := broker.StoredDelivery{UndeliveredEvent: broker.UndeliveredEvent{
		Event: event.Event{Source: e.Key.Source, Action: e.Key.Action, ID: e.Key.ID, Time: e.Key.Time},
	}}
	for _, route := range e.Routes {
		if slices.Contains(r.to, route.Route) && route.Last.After(d.Died) {
			d.Died = route.Last
		}
	}
	return d
}

func (r recorded) act(ctx context.Context, _ Action, _ string, c *chunk) (n int, err error) {
	for _, t := range c.targets {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		found, err := r.journal.ByKey(ctx, t.journalKey())
		switch {
		case errors.Is(err, journal.ErrNotFound):
			c.skipped[t.Number] = "the journal has it no more"
			continue
		case err != nil:
			return n, err
		case !found.Kept:
			c.skipped[t.Number] = "the journal has no body of it"
			continue
		}
		if err := r.broker.Redeliver(ctx, found.Event(), r.to); err != nil {
			return n, err
		}
		c.picked = append(c.picked, t.Number)
		n++
	}
	return n, nil
}
