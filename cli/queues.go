package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
)

// operatorTimeout bounds a look at the broker.
const operatorTimeout = 10 * time.Second

// withOperator loads the configuration, opens the broker, and calls do. RabbitMQ has to answer within timeout.
func (c *command) withOperator(cmd *cobra.Command, timeout time.Duration, do func(context.Context, *config.Config, app.Operator) error) error {
	conf, err := c.loadLine()
	if err != nil {
		return err
	}
	operator, err := app.OpenOperator(conf)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
	defer cancel()
	err = do(ctx, conf, operator)
	if closeErr := operator.Close(ctx); err == nil {
		err = closeErr
	}
	return err
}

func (c *command) queues() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "queues",
		GroupID: "look",
		Short:   "Show what waits in each queue",
		Long: `Show every queue of the configuration: work (to be done), retry (failed, waits for its next attempt), dead (given
up; see "hookline dead"), and unrouted (no route matches; see "hookline unrouted").`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withOperator(cmd, operatorTimeout, func(ctx context.Context, conf *config.Config, operator app.Operator) error {
				queues, err := operator.Queues(ctx)
				if err != nil {
					return err
				}
				if asJSON {
					return c.json(queues)
				}
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
					fmt.Fprintln(table, "Receivers and workers make what is missing when they connect; `hookline topology apply` makes it now.")
				}
				for _, q := range queues {
					if q.Role == broker.RoleWork && q.Waiting > 0 && !slices.Contains(routeNames(conf), q.Route) {
						fmt.Fprintf(table, "Route %s is not in the configuration, so that nobody takes what waits for it (%d): add it again until they are done.\n", q.Route, q.Waiting)
					}
				}
				return table.Flush()
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}
