package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
)

func (c *command) topology() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "topology",
		GroupID: "setup",
		Short:   "Compare RabbitMQ with the configuration, or make it so",
		Long: `Receivers and workers declare what they need when they connect, so these commands are for looking first, for
brokers on which they may not declare, and for taking a binding away.`,
	}
	group(cmd)
	cmd.AddCommand(
		c.topologyChange("plan", "Show what exists, what is missing and what differs; change nothing", app.PlanTopology),
		c.topologyChange("apply", "Declare what is missing; what differs is left alone and shown", app.ApplyTopology),
		c.topologyUnbind(),
	)
	return cmd
}

func (c *command) topologyChange(use, short string, do func(context.Context, *config.Config) ([]app.Change, error)) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			conf, err := c.rabbit()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), operatorTimeout)
			defer cancel()
			changes, err := do(ctx, conf)
			if err != nil {
				return err
			}
			if asJSON {
				err = c.json(changes)
			} else {
				err = c.changes(changes)
			}
			if err == nil && slices.ContainsFunc(changes, app.Change.Differs) {
				return exitError{code: ExitDiffers}
			}
			return err
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (c *command) topologyUnbind() *cobra.Command {
	return &cobra.Command{
		Use:   "unbind ROUTE PATTERN",
		Short: "Take a pattern away from a route's queue",
		Long: `A pattern that you remove from a route's "match" stays bound on RabbitMQ, since other programs may have bound it.
This takes it away. What is in the queue already stays there.`,
		Args: args(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, given []string) error {
			conf, err := c.rabbit()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), operatorTimeout)
			defer cancel()
			for _, r := range conf.Routes {
				if r.Name == given[0] && slices.Contains(r.Match, given[1]) {
					return usage(fmt.Errorf("route %s still has %s in its match, so that it would be bound again; take it out of the configuration first", given[0], given[1]))
				}
			}
			if err := app.Unbind(ctx, conf, given[0], given[1]); err != nil {
				return err
			}
			fmt.Fprintf(c.stdout, "%s is not bound to route %s; RabbitMQ does not tell whether it was\n", given[1], given[0])
			return nil
		},
	}
}

// rabbit is a configuration whose line is on RabbitMQ.
func (c *command) rabbit() (*config.Config, error) {
	conf, err := c.loadLine()
	if err == nil && conf.Broker.Embedded() {
		return nil, usage(errors.New("the embedded line has no topology to plan; set broker.url to a RabbitMQ address"))
	}
	return conf, err
}

func (c *command) changes(changes []app.Change) error {
	table := tabwriter.NewWriter(c.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "STATE\tKIND\tNAME\tDETAIL")
	for _, change := range changes {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", change.State, change.Kind, change.Name, change.Detail)
	}
	if slices.ContainsFunc(changes, app.Change.Unseen) {
		fmt.Fprintln(table, "AMQP cannot show bindings: `hookline topology apply` makes them all.")
	}
	return table.Flush()
}
