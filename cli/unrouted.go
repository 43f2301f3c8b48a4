package cli

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/pkg/event"
)

func (c *command) unrouted() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "unrouted",
		GroupID: "look",
		Short:   "Decide about events that match no route",
		Long: `Events that match no route are kept until you decide: after you have added a route, "replay" gives them to every
route that matches them now; "discard" removes them for good. Looking at them changes nothing.`,
	}
	group(cmd)
	cmd.AddCommand(c.unroutedList(), c.unroutedShow(), c.unroutedReplay(), c.unroutedDiscard())
	return cmd
}

func (c *command) unroutedList() *cobra.Command {
	var asJSON bool
	var limit int
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List unrouted events, oldest first",
		Args:  args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withOperator(cmd, operatorTimeout, func(ctx context.Context, _ *config.Config, operator app.Operator) error {
				events := []event.Event{}
				err := operator.Unrouted(ctx, func(e event.Event) bool {
					events = append(events, e)
					return len(events) < limit
				})
				if err != nil {
					return err
				}
				if asJSON {
					return c.json(events)
				}
				return c.unroutedTable(events, limit)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	limitFlag(cmd, &limit)
	return cmd
}

func (c *command) unroutedTable(events []event.Event, limit int) error {
	if len(events) == 0 {
		fmt.Fprintln(c.stdout, "no unrouted events")
		return nil
	}
	table := tabwriter.NewWriter(c.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tKEY\tRECEIVED\tBYTES")
	for _, e := range events {
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\n", e.ID, e.Key(), e.Time.Local().Format(time.DateTime), len(e.Data))
	}
	if len(events) == limit {
		fmt.Fprintf(table, "(the first %d; --limit shows more)\n", limit)
	}
	return table.Flush()
}

func (c *command) unroutedShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show one unrouted event with its body, as JSON",
		Long: `Show one unrouted event in its documented JSON form, the body as data_base64. For the body alone:
hookline unrouted show ID | jq -r .data_base64 | base64 -d`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			return c.withOperator(cmd, operatorTimeout, func(ctx context.Context, _ *config.Config, operator app.Operator) error {
				var found *event.Event
				err := operator.Unrouted(ctx, func(e event.Event) bool {
					if e.ID == given[0] {
						found = &e
					}
					return found == nil
				})
				if err != nil {
					return err
				}
				if found == nil {
					return fmt.Errorf("no unrouted event has ID %s; `hookline unrouted list` shows them", given[0])
				}
				return c.json(found)
			})
		},
	}
}

func (c *command) unroutedReplay() *cobra.Command {
	return c.unroutedMove("replay", "replayed", "Give unrouted events to every route that matches them now", app.Operator.ReplayUnrouted)
}

func (c *command) unroutedDiscard() *cobra.Command {
	return c.unroutedMove("discard", "discarded", "Remove unrouted events for good", app.Operator.DiscardUnrouted)
}

type moveUnrouted func(app.Operator, context.Context, func(event.Event) bool) (int, error)

func (c *command) unroutedMove(verb, done, short string, do moveUnrouted) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   verb + " (ID... | --all)",
		Short: short,
		Args:  args(cobra.ArbitraryArgs),
		RunE: func(cmd *cobra.Command, ids []string) error {
			chosen, err := choice(ids, all)
			if err != nil {
				return err
			}
			return c.withOperator(cmd, moveTimeout, func(ctx context.Context, _ *config.Config, operator app.Operator) error {
				picked := 0
				n, err := do(operator, ctx, func(e event.Event) bool {
					if !chosen(e.ID) {
						return false
					}
					picked++
					return true
				})
				fmt.Fprintf(c.stdout, "%s %d of the unrouted events\n", done, n)
				switch {
				case err != nil:
					return err
				case picked < len(ids):
					return fmt.Errorf("%d of the %d IDs are not unrouted; `hookline unrouted list` shows them", len(ids)-picked, len(ids))
				case n < picked:
					return fmt.Errorf("%d still match no route and stay; `hookline unrouted list` shows the keys that a route has to match", picked-n)
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all unrouted events")
	return cmd
}
