package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/broker"
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

// listFlags adds the flags of a command that lists undelivered events.
func listFlags(cmd *cobra.Command, asJSON *bool, limit *int) {
	jsonFlag(cmd, asJSON)
	limitFlag(cmd, limit)
}

// undeliveredTable prints a row for each event, or the text none.
func (c *command) undeliveredTable(events []broker.UndeliveredEvent, limit int, none, header string, row func(io.Writer, broker.UndeliveredEvent)) error {
	if len(events) == 0 {
		fmt.Fprintln(c.stdout, none)
		return nil
	}
	table := tabwriter.NewWriter(c.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, header)
	for _, u := range events {
		row(table, u)
	}
	if len(events) == limit {
		fmt.Fprintf(table, "(the first %d; --limit shows more)\n", limit)
	}
	return table.Flush()
}

// change is Replay or Discard of an app.Operator.
type change func(app.Operator, context.Context, string, func(broker.UndeliveredEvent) bool) (int, error)

// changed counts the events that a change has seen, picked and done. total is the number of events that it was asked for; 0: unknown.
type changed struct{ seen, picked, done, total int }

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

// apply changes the events of a route that are chosen by ID: ids, or all if there are none.
func (do change) apply(ctx context.Context, operator app.Operator, route string, ids []string, chosen func(id string) bool) (n changed, err error) {
	if n.total = len(ids); n.total == 0 {
		if n.total, err = countUndelivered(ctx, operator, route); err != nil {
			return n, err
		}
	}
	n.done, err = do(operator, ctx, route, func(u broker.UndeliveredEvent) bool {
		n.seen++
		pick := chosen(u.Event.ID)
		if pick {
			n.picked++
		}
		return pick
	})
	return n, err
}

// choice returns a function that reports whether an ID is one of ids, or all are chosen.
func choice(ids []string, all bool) (chosen func(id string) bool, err error) {
	if all == (len(ids) > 0) {
		return nil, usage(errors.New("give either IDs or --all"))
	}
	return func(id string) bool { return all || slices.Contains(ids, id) }, nil
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
		text += fmt.Sprintf("  %s  %s  received %s\n", oneLine(u.Event.ID, 80), oneLine(u.Event.Key(), 80), u.Event.Time.Local().Format(time.DateTime))
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
