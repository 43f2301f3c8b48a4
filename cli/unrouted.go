package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

func (c *command) unrouted() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "unrouted",
		GroupID: "look",
		Short:   "List, replay and discard events that match no route",
		Long: `An unrouted event matches no route. It stays stored until you decide: add a route, then "replay" puts the event into the
queue of every route that matches it now; "discard" removes it for good. "list" and "show" change nothing.`,
	}
	group(cmd)
	cmd.AddCommand(c.unroutedList(), c.unroutedShow(), c.unroutedReplay(), c.unroutedDiscard())
	return cmd
}

func (c *command) unroutedList() *cobra.Command {
	var l listing
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List unrouted events, oldest first",
		Example: `  hookline unrouted list --limit 10
  hookline unrouted list --group`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withOperator(cmd, browseTimeout, func(ctx context.Context, _ *config.Config, operator app.Operator) error {
				if l.grouped {
					return c.unroutedGroups(ctx, operator, l)
				}
				found, err := listUndeliveredSince(ctx, operator, broker.Unrouted, l.since, l.limit)
				if err != nil {
					return err
				}
				if l.asJSON {
					events := []event.Event{} // not nil, which would be null in JSON
					for _, u := range found {
						events = append(events, u.Event)
					}
					return c.json(events)
				}
				t := table{header: []string{"ID", "KEY", "RECEIVED", "BYTES"}, wraps: []int{1}}
				for _, u := range found {
					t.add(u.Event.ID, u.Event.Key(), shortTime(u.Event.Time), strconv.Itoa(len(u.Event.Data)))
				}
				return c.printList(t, l.limit, "no unrouted events")
			})
		},
	}
	l.flags(cmd, "only events that were received", "count the events by key, which is source and action")
	return cmd
}

// unroutedGroups prints the groups of the unrouted events.
func (c *command) unroutedGroups(ctx context.Context, operator app.Operator, l listing) error {
	groups, err := groupUndelivered(ctx, operator, broker.Unrouted, l.since)
	if err != nil {
		return err
	}
	groups = groups[:min(len(groups), l.limit)]
	if l.asJSON {
		return c.json(groups)
	}
	t := table{header: []string{"COUNT", "OLDEST", "NEWEST", "KEY"}, wraps: []int{3}}
	for _, g := range groups {
		t.add(append(g.cells(), g.Key)...)
	}
	return c.printList(t, l.limit, "no unrouted events")
}

func (c *command) unroutedShow() *cobra.Command {
	var o choice
	var body bool
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show one unrouted event as JSON",
		Long:  `Show one unrouted event as JSON, with its body in data_base64.`,
		Example: `  hookline unrouted show ID
  hookline unrouted show ID --body | jq .`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			return c.withOperator(cmd, browseTimeout, func(ctx context.Context, _ *config.Config, operator app.Operator) error {
				found, err := operator.Get(ctx, broker.Unrouted, given[0])
				if err != nil {
					return err
				}
				if found = o.filter(found); len(found) == 0 {
					return fmt.Errorf("no such unrouted event has the ID %s; `hookline unrouted list` lists the unrouted events", given[0])
				}
				return c.show(&o, given[0], found, body, func(u broker.UndeliveredEvent) any { return &u.Event })
			})
		},
	}
	o.namingFlags(cmd)
	bodyFlag(cmd, &body)
	return cmd
}

func (c *command) unroutedReplay() *cobra.Command {
	return c.unroutedChange("replay", "replayed", "Put unrouted events into the queue of every route that matches them now", app.Operator.Replay)
}

func (c *command) unroutedDiscard() *cobra.Command {
	return c.unroutedChange("discard", "discarded", "Remove unrouted events for good", app.Operator.Discard)
}

func (c *command) unroutedChange(verb, done, short string, do change) *cobra.Command {
	var o choice
	var ask *confirmation
	cmd := &cobra.Command{
		Use:     verb + " (ID... | --all)",
		Short:   short,
		Example: fmt.Sprintf("  hookline unrouted %[1]s ID\n  hookline unrouted %[1]s --all", verb),
		Args:    args(cobra.ArbitraryArgs),
		RunE: func(cmd *cobra.Command, ids []string) error {
			err := o.check(ids)
			if err == nil && o.all && ask != nil {
				err = ask.check()
			}
			if err != nil {
				return err
			}
			return c.withOperator(cmd, browseTimeout, func(ctx context.Context, _ *config.Config, operator app.Operator) error {
				if o.all && ask != nil {
					if err := ask.discardAll(ctx, operator, broker.Unrouted, "unrouted events"); err != nil {
						return err
					}
				}
				n, err := do.apply(ctx, operator, broker.Unrouted, ids, &o)
				if n.picked > 0 || err == nil && o.all {
					c.say("%s %d of the unrouted events", done, n.done)
				}
				switch {
				case err != nil:
					return n.progress(ctx, done, err)
				case n.unknown > 0:
					return fmt.Errorf("%d of the %d IDs belong to no unrouted event; `hookline unrouted list` lists the unrouted events", n.unknown, len(ids))
				case n.done < n.picked:
					return fmt.Errorf("%d of them still match no route and stay; `hookline unrouted list` shows the keys that a route must match", n.picked-n.done)
				}
				return nil
			})
		},
	}
	o.changeFlags(cmd, "unrouted events")
	if verb == "discard" {
		ask = c.confirmation(cmd)
	}
	return cmd
}
