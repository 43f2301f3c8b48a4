package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
)

func (c *command) queues() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "queues",
		GroupID: "look",
		Short:   "Show the number of events in each queue",
		Long: `Show the queues of the configuration, by role:

- work: events that wait for a worker
- retry: failed events that wait for their next attempt
- dead: events that a route gave up on; see "hookline dead"
- unrouted: events that match no route; see "hookline unrouted"`,
		Example: "  hookline queues",
		Args:    args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withOperator(cmd, operatorTimeout, func(ctx context.Context, conf *config.Config, operator app.Operator) error {
				queues, err := operator.Queues(ctx)
				if err != nil {
					return err
				}
				if asJSON {
					return c.json(queues)
				}
				return c.queueTable(queues, routeNames(conf))
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (c *command) queueTable(queues []broker.QueueInfo, routes []string) error {
	table := tabwriter.NewWriter(c.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "ROLE\tROUTE\tWAITING\tCONSUMERS\tQUEUE")
	missing := false
	for _, q := range queues {
		waiting, consumers := strconv.Itoa(q.Waiting), strconv.Itoa(q.Consumers)
		if q.Consumers == broker.Unseen || q.Role != broker.RoleWork {
			consumers = "-"
		}
		if q.Missing {
			waiting, consumers, missing = "missing", "-", true
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", q.Role, q.Route, waiting, consumers, q.Name)
	}
	if missing {
		fmt.Fprintln(table, "Receivers and workers declare missing queues when they connect; `hookline topology apply` declares them now.")
	}
	for _, q := range queues {
		if q.Role == broker.RoleWork && q.Waiting > 0 && !slices.Contains(routes, q.Route) {
			fmt.Fprintf(table, "Route %s is not in the configuration, so nobody handles its %d waiting events: add the route again until they are done.\n", q.Route, q.Waiting)
		}
	}
	return table.Flush()
}
