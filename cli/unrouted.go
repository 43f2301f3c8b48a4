package cli

import (
	"context"
	"fmt"
	"io"
	"time"

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
	var asJSON bool
	var limit int
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List unrouted events, oldest first",
		Example: "  hookline unrouted list --limit 10",
		Args:    args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withOperator(cmd, browseTimeout, func(ctx context.Context, _ *config.Config, operator app.Operator) error {
				found, err := listUndelivered(ctx, operator, broker.Unrouted, limit)
				if err != nil {
					return err
				}
				if asJSON {
					events := []event.Event{} // not nil, which would be null in JSON
					for _, u := range found {
						events = append(events, u.Event)
					}
					return c.json(events)
				}
				return c.undeliveredTable(found, limit, "no unrouted events", "ID\tKEY\tRECEIVED\tBYTES", func(table io.Writer, u broker.UndeliveredEvent) {
					fmt.Fprintf(table, "%s\t%s\t%s\t%d\n", u.Event.ID, u.Event.Key(), u.Event.Time.Local().Format(time.DateTime), len(u.Event.Data))
				})
			})
		},
	}
	listFlags(cmd, &asJSON, &limit)
	return cmd
}

func (c *command) unroutedShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show one unrouted event as JSON",
		Long:  `Show one unrouted event as JSON, with its body in data_base64.`,
		Example: `  hookline unrouted show ID
  hookline unrouted show ID | jq -r .data_base64 | base64 -d    # print the body`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			return c.withOperator(cmd, browseTimeout, func(ctx context.Context, _ *config.Config, operator app.Operator) error {
				found, err := operator.Get(ctx, broker.Unrouted, given[0])
				if err != nil {
					return err
				}
				if len(found) == 0 {
					return fmt.Errorf("no unrouted event has the ID %s; `hookline unrouted list` lists the unrouted events", given[0])
				}
				return c.json(&found[0].Event)
			})
		},
	}
}

func (c *command) unroutedReplay() *cobra.Command {
	return c.unroutedChange("replay", "replayed", "Put unrouted events into the queue of every route that matches them now", app.Operator.Replay)
}

func (c *command) unroutedDiscard() *cobra.Command {
	return c.unroutedChange("discard", "discarded", "Remove unrouted events for good", app.Operator.Discard)
}

func (c *command) unroutedChange(verb, done, short string, do change) *cobra.Command {
	var all bool
	var ask *confirmation
	cmd := &cobra.Command{
		Use:     verb + " (ID... | --all)",
		Short:   short,
		Example: fmt.Sprintf("  hookline unrouted %[1]s ID\n  hookline unrouted %[1]s --all", verb),
		Args:    args(cobra.ArbitraryArgs),
		RunE: func(cmd *cobra.Command, ids []string) error {
			chosen, err := choice(ids, all)
			if err == nil && all && ask != nil {
				err = ask.check()
			}
			if err != nil {
				return err
			}
			return c.withOperator(cmd, browseTimeout, func(ctx context.Context, _ *config.Config, operator app.Operator) error {
				if all && ask != nil {
					if err := ask.discardAll(ctx, operator, broker.Unrouted, "unrouted events"); err != nil {
						return err
					}
				}
				n, err := do.apply(ctx, operator, broker.Unrouted, ids, chosen)
				if n.picked > 0 || err == nil && all {
					fmt.Fprintf(c.stdout, "%s %d of the unrouted events\n", done, n.done)
				}
				switch {
				case err != nil:
					return n.progress(ctx, done, err)
				case n.picked < len(ids):
					return fmt.Errorf("%d of the %d IDs belong to no unrouted event; `hookline unrouted list` lists the unrouted events", len(ids)-n.picked, len(ids))
				case n.done < n.picked:
					return fmt.Errorf("%d of them still match no route and stay; `hookline unrouted list` shows the keys that a route must match", n.picked-n.done)
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "select all unrouted events")
	if verb == "discard" {
		ask = c.confirmation(cmd)
	}
	return cmd
}
