package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
)

// moveTimeout bounds a replay or discard of many.
const moveTimeout = 10 * time.Minute

func (c *command) dead() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "dead",
		GroupID: "look",
		Short:   "Decide about events that a route gave up on",
		Long: `Events that a route gave up on are kept until you decide: "replay" puts them back into their route's queue as new,
"discard" removes them for good. Looking at them changes nothing.`,
	}
	group(cmd)
	cmd.AddCommand(c.deadList(), c.deadShow(), c.deadReplay(), c.deadDiscard())
	return cmd
}

func (c *command) deadList() *cobra.Command {
	var asJSON bool
	var limit int
	cmd := &cobra.Command{
		Use:   "list [ROUTE]",
		Short: "List dead letters, oldest first",
		Args:  args(cobra.MaximumNArgs(1)), ValidArgsFunction: c.completeRoutes,
		RunE: func(cmd *cobra.Command, given []string) error {
			return c.withOperator(cmd, operatorTimeout, func(ctx context.Context, conf *config.Config, operator app.Operator) error {
				letters := []broker.DeadLetter{}
				var errs []error
				routes := given
				if len(given) == 0 {
					routes = routeNames(conf)
				}
				for _, route := range routes {
					err := operator.Dead(ctx, route, func(d broker.DeadLetter) bool {
						letters = append(letters, d)
						return len(letters) < limit
					})
					err = knownRoute(conf, route, len(letters) > 0, err)
					errs = append(errs, err)
					if err != nil && !errors.Is(err, broker.ErrNoQueue) || len(letters) >= limit {
						break
					}
				}
				err := errors.Join(errs...)
				switch {
				case err != nil && len(letters) == 0: // nor is it known that there are none
				case asJSON:
					err = errors.Join(c.json(letters), err)
				default:
					err = errors.Join(c.deadTable(letters, limit), err)
				}
				return err
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	limitFlag(cmd, &limit)
	return cmd
}

func (c *command) deadTable(letters []broker.DeadLetter, limit int) error {
	if len(letters) == 0 {
		fmt.Fprintln(c.stdout, "no dead letters")
		return nil
	}
	table := tabwriter.NewWriter(c.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "ROUTE\tID\tKEY\tDIED\tATTEMPTS\tREASON\tLAST ERROR")
	for _, d := range letters {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", d.Route, d.Event.ID, d.Event.Key(), d.Died.Local().Format(time.DateTime), d.Attempts, d.Reason, oneLine(d.LastError, 80))
	}
	if len(letters) == limit {
		fmt.Fprintf(table, "(the first %d; --limit shows more)\n", limit)
	}
	return table.Flush()
}

func (c *command) deadShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show ROUTE ID",
		Short: "Show one dead letter with its body, as JSON",
		Long: `Show one dead letter as JSON: why it died, and the event in its documented form, the body as data_base64. For the
body alone: hookline dead show ROUTE ID | jq -r .event.data_base64 | base64 -d`,
		Args: args(cobra.ExactArgs(2)), ValidArgsFunction: c.completeRoutes,
		RunE: func(cmd *cobra.Command, given []string) error {
			return c.withOperator(cmd, operatorTimeout, func(ctx context.Context, conf *config.Config, operator app.Operator) error {
				var found *broker.DeadLetter
				some := false
				err := operator.Dead(ctx, given[0], func(d broker.DeadLetter) bool {
					some = true
					if d.Event.ID == given[1] {
						found = &d
					}
					return found == nil
				})
				if err := knownRoute(conf, given[0], some, err); err != nil {
					return err
				}
				if found == nil {
					return fmt.Errorf("route %s has no dead letter with ID %s; `hookline dead list %s` shows them", given[0], given[1], given[0])
				}
				return c.json(found)
			})
		},
	}
}

func (c *command) deadReplay() *cobra.Command {
	return c.deadMove("replay", "replayed", "Put dead letters back into their route's queue, as new", app.Operator.Replay)
}

func (c *command) deadDiscard() *cobra.Command {
	return c.deadMove("discard", "discarded", "Remove dead letters for good", app.Operator.Discard)
}

type moveDead func(app.Operator, context.Context, string, func(broker.DeadLetter) bool) (int, error)

func (c *command) deadMove(verb, done, short string, do moveDead) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   verb + " ROUTE (ID... | --all)",
		Short: short,
		Args:  args(cobra.MinimumNArgs(1)), ValidArgsFunction: c.completeRoutes,
		RunE: func(cmd *cobra.Command, given []string) error {
			route, ids := given[0], given[1:]
			chosen, err := choice(ids, all)
			if err != nil {
				return err
			}
			return c.withOperator(cmd, moveTimeout, func(ctx context.Context, conf *config.Config, operator app.Operator) error {
				if verb == "replay" && !slices.Contains(routeNames(conf), route) {
					return usage(fmt.Errorf("route %s is not in the configuration, so that nobody would take what is replayed; add it again first, or give its dead letters up with `hookline dead discard %s`", route, route))
				}
				some := false
				n, err := do(operator, ctx, route, func(d broker.DeadLetter) bool {
					some = true
					return chosen(d.Event.ID)
				})
				err = knownRoute(conf, route, some, err)
				if some || err == nil {
					fmt.Fprintf(c.stdout, "%s %d of route %s\n", done, n, route)
				}
				if err == nil && n < len(ids) {
					err = fmt.Errorf("%d of the %d IDs are not among the dead letters; `hookline dead list %s` shows them", len(ids)-n, len(ids), route)
				}
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all dead letters of the route")
	return cmd
}

func oneLine(s string, most int) string {
	out := []rune{}
	for _, r := range s {
		if r < ' ' {
			r = ' '
		}
		if len(out) == most {
			return string(out) + "…"
		}
		out = append(out, r)
	}
	return string(out)
}
