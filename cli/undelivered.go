package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// browseTimeout bounds a command that can go through all undelivered events of a route.
const browseTimeout = 10 * time.Minute

// listUndelivered returns the first events of a route, limit at most.
func listUndelivered(ctx context.Context, operator app.Operator, route string, limit int) ([]broker.UndeliveredEvent, error) {
	var all []broker.UndeliveredEvent
	for after := ""; ; {
		events, next, err := operator.List(ctx, route, broker.Page{After: after, Limit: limit - len(all)})
		all = append(all, events...)
		if err != nil || next == "" || len(all) == limit {
			return all, err
		}
		after = next
	}
}

// listUndeliveredSince is listUndelivered for events since a time; zero: all.
func listUndeliveredSince(ctx context.Context, operator app.Operator, route string, since time.Time, limit int) (found []broker.UndeliveredEvent, err error) {
	if since.IsZero() {
		return listUndelivered(ctx, operator, route, limit)
	}
	err = operator.Each(ctx, route, func(u broker.UndeliveredEvent) bool {
		if !undeliveredAt(u).Before(since) {
			found = append(found, u)
		}
		return len(found) < limit
	})
	return found, err
}

// listing holds the flags of a command that lists undelivered events.
type listing struct {
	asJSON, grouped bool
	limit           int
	since           time.Time
}

func (l *listing) flags(cmd *cobra.Command, since, group string) {
	jsonFlag(cmd, &l.asJSON)
	limitFlag(cmd, &l.limit)
	sinceFlag(cmd, &l.since, since)
	cmd.Flags().BoolVar(&l.grouped, "group", false, group)
}

// printList prints a table of a list, or the text none if it is empty.
func (c *command) printList(t table, limit int, none string) error {
	if len(t.rows) == 0 {
		c.say("%s", none)
		return nil
	}
	err := c.printTable(t)
	if len(t.rows) == limit {
		c.say("(the first %d; --limit shows more)", limit)
	}
	return err
}

// printBody prints the body of an event as it is, or on a terminal escaped.
func (c *command) printBody(e event.Event) (err error) {
	if app.IsTerminal(c.stdout) {
		_, err = fmt.Fprintf(c.stdout, "%s\n", e.Data)
	} else {
		_, err = c.stdout.Unwrap().Write(e.Data)
	}
	return err
}

// change is Replay or Discard of an app.Operator.
type change func(app.Operator, context.Context, string, func(broker.UndeliveredEvent) bool) (int, error)

// changed counts the events that a change has seen, picked and done. total is the number of events that it was asked for; 0: unknown.
// unknown is the number of IDs that no event has.
type changed struct{ seen, picked, done, total, unknown int }

// progress returns err, and if the change was interrupted, how far it came.
func (n changed) progress(ctx context.Context, done string, err error) error {
	if err == nil || !errors.Is(ctx.Err(), context.Canceled) {
		return err
	}
	far := fmt.Sprintf("%d %s", n.done, done)
	if n.total >= n.done && n.total > 0 {
		far = fmt.Sprintf("%d of %d %s", n.done, n.total, done)
	}
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s; run it again to go on", far)
	}
	return fmt.Errorf("%s; run it again to go on: %w", far, err)
}

// apply changes the chosen events of a route: those with ids, or all.
func (do change) apply(ctx context.Context, operator app.Operator, route string, ids []string, o *choice) (n changed, err error) {
	pick, n, err := o.pick(ctx, operator, route, ids)
	if err != nil {
		return n, err
	}
	if n.total = len(ids) - n.unknown; o.all && o.source+o.action == "" {
		if n.total, err = countUndelivered(ctx, operator, route); err != nil {
			return n, err
		}
	}
	if !o.all && n.total == 0 {
		return n, nil
	}
	n.done, err = do(operator, ctx, route, func(u broker.UndeliveredEvent) bool {
		n.seen++
		picked := pick(u)
		if picked {
			n.picked++
		}
		return picked
	})
	return n, err
}

// sampleSize is the number of events that a question about all of them shows.
const sampleSize = 3

// discardAll asks whether all undelivered events of a route are to be discarded. It shows their number and the oldest of them. It
// does not ask if there is none.
func (a *confirmation) discardAll(ctx context.Context, operator app.Operator, route, noun string) error {
	if a.yes {
		return nil
	}
	n, err := countUndelivered(ctx, operator, route)
	if err != nil {
		return err
	}
	sample, err := listUndelivered(ctx, operator, route, sampleSize)
	if err != nil || len(sample) == 0 {
		return err
	}
	text := fmt.Sprintf("This removes all %s for good.", noun)
	if n >= len(sample) {
		text = fmt.Sprintf("This removes all %d %s for good.", n, noun)
	}
	text += " The oldest:\n"
	for _, u := range sample {
		text += fmt.Sprintf("  %s  %s  received %s\n", shorten(oneLine(u.Event.ID), 80), shorten(oneLine(u.Event.Key()), 80), u.Event.Time.Local().Format(time.DateTime))
	}
	return a.ask(ctx, text+"Remove them?")
}

// countUndelivered returns the length of a route's undelivered queue, or 0 if the configuration does not have the route.
func countUndelivered(ctx context.Context, operator app.Operator, route string) (int, error) {
	queues, err := operator.Queues(ctx)
	for _, q := range queues {
		if q.Route == route && (q.Role == broker.RoleDead || q.Role == broker.RoleUnrouted) {
			return q.Waiting, err
		}
	}
	return 0, err
}
