package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
)

func (c *command) dead() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "dead",
		GroupID: "look",
		Short:   "List, replay and discard dead letters",
		Long: `A dead letter is an event that a route gave up on. It stays stored until you decide: "replay" puts it back into the
queue of its route as a new event, "discard" removes it for good. "list" and "show" change nothing.

The route @spool has the dead letters of a receiver's spool: events that were answered 200 while RabbitMQ was away, and that
RabbitMQ then refused for good. They are on the receiver's disk, so run the command there. "replay" publishes them again.`,
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
		Example: `  hookline dead list
  hookline dead list archive --limit 10`,
		Args: args(cobra.MaximumNArgs(1)), ValidArgsFunction: c.completeRoutes,
		RunE: func(cmd *cobra.Command, given []string) error {
			return c.withOperator(cmd, browseTimeout, func(ctx context.Context, conf *config.Config, operator app.Operator) error {
				routes := given
				if len(given) == 0 {
					routes = routeNames(conf)
					if app.HasSpool(conf) {
						routes = append(routes, broker.Spool)
					}
				}
				letters, err := deadLetters(ctx, conf, operator, routes, limit)
				switch {
				case err != nil && len(letters) == 0: // an empty list would say that there are none
					return err
				case asJSON:
					return errors.Join(c.json(letters), err)
				}
				return errors.Join(c.undeliveredTable(letters, limit, "no dead letters", "ROUTE\tID\tKEY\tDIED\tATTEMPTS\tREASON\tLAST ERROR", deadRow), err)
			})
		},
	}
	listFlags(cmd, &asJSON, &limit)
	return cmd
}

// deadLetters returns the first dead letters of the routes, limit at most. A route without a queue is an error, and the others are
// still read.
func deadLetters(ctx context.Context, conf *config.Config, operator app.Operator, routes []string, limit int) ([]broker.UndeliveredEvent, error) {
	letters := []broker.UndeliveredEvent{} // not nil, which would be null in JSON
	var errs []error
	for _, route := range routes {
		if len(letters) == limit {
			break
		}
		found, err := listUndelivered(ctx, operator, route, limit-len(letters))
		letters = append(letters, found...)
		err = knownRoute(conf, route, len(found) > 0, err)
		errs = append(errs, err)
		if err != nil && !errors.Is(err, broker.ErrNoQueue) {
			break
		}
	}
	return letters, errors.Join(errs...)
}

func deadRow(table io.Writer, d broker.UndeliveredEvent) {
	fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", d.Route, d.Event.ID, d.Event.Key(), d.Died.Local().Format(time.DateTime), d.Attempts, d.Reason, oneLine(d.LastError, 80))
}

func (c *command) deadShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show ROUTE ID",
		Short: "Show one dead letter as JSON",
		Long:  `Show one dead letter as JSON: the reason, the attempts, the errors, and the event with its body in data_base64.`,
		Example: `  hookline dead show archive ID
  hookline dead show archive ID | jq -r .event.data_base64 | base64 -d    # print the body`,
		Args: args(cobra.ExactArgs(2)), ValidArgsFunction: c.completeRoutes,
		RunE: func(cmd *cobra.Command, given []string) error {
			route, id := given[0], given[1]
			return c.withOperator(cmd, browseTimeout, func(ctx context.Context, conf *config.Config, operator app.Operator) error {
				found, err := operator.Get(ctx, route, id)
				if err := knownRoute(conf, route, len(found) > 0, err); err != nil {
					return err
				}
				if len(found) == 0 {
					return fmt.Errorf("route %s has no dead letter with the ID %s; `hookline dead list %s` lists its dead letters", route, id, route)
				}
				return c.json(&found[0])
			})
		},
	}
}

func (c *command) deadReplay() *cobra.Command {
	return c.deadChange("replay", "replayed", "Put dead letters back into the queue of their route", app.Operator.Replay)
}

func (c *command) deadDiscard() *cobra.Command {
	return c.deadChange("discard", "discarded", "Remove dead letters for good", app.Operator.Discard)
}

func (c *command) deadChange(verb, done, short string, do change) *cobra.Command {
	var all bool
	var ask *confirmation
	cmd := &cobra.Command{
		Use:     verb + " ROUTE (ID... | --all)",
		Short:   short,
		Example: fmt.Sprintf("  hookline dead %[1]s archive ID\n  hookline dead %[1]s archive --all", verb),
		Args:    args(cobra.MinimumNArgs(1)), ValidArgsFunction: c.completeRoutes,
		RunE: func(cmd *cobra.Command, given []string) error {
			route, ids := given[0], given[1:]
			chosen, err := choice(ids, all)
			if err == nil && all && ask != nil {
				err = ask.check()
			}
			if err != nil {
				return err
			}
			return c.withOperator(cmd, browseTimeout, func(ctx context.Context, conf *config.Config, operator app.Operator) error {
				if verb == "replay" && route != broker.Spool && !slices.Contains(routeNames(conf), route) {
					return usage(fmt.Errorf("route %s is not in the configuration, so nobody would handle its events; add the route again first, or remove its dead letters with `hookline dead discard %s`", route, route))
				}
				if all && ask != nil {
					if err := ask.discardAll(ctx, operator, route, "dead letters of route "+route); err != nil {
						return knownRoute(conf, route, false, err)
					}
				}
				n, err := do.apply(ctx, operator, route, ids, chosen)
				err = n.progress(ctx, done, knownRoute(conf, route, n.seen > 0, err))
				if n.picked > 0 || err == nil && all {
					fmt.Fprintf(c.stdout, "%s %d of route %s\n", done, n.done, route)
				}
				if err == nil && n.done < len(ids) {
					err = fmt.Errorf("%d of the %d IDs belong to no dead letter; `hookline dead list %s` lists the dead letters", len(ids)-n.done, len(ids), route)
				}
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "select all dead letters of the route")
	if verb == "discard" {
		ask = c.confirmation(cmd)
	}
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
