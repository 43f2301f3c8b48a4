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
		Short:   "Compare RabbitMQ with the configuration, and declare missing queues",
		Long: `Receivers and workers declare their exchanges, queues and bindings when they connect. Use these commands to see the
changes before, to declare as another user where receivers and workers may not declare, and to remove a binding.`,
	}
	group(cmd)
	cmd.AddCommand(
		c.topologyChange("plan", "Show which objects exist, are missing or differ; change nothing", app.PlanTopology),
		c.topologyChange("apply", "Declare missing objects; show differing ones without a change", app.ApplyTopology),
		c.topologyUnbind(),
	)
	return cmd
}

func (c *command) topologyChange(use, short string, do func(context.Context, *config.Config) ([]app.Change, error)) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     use,
		Short:   short,
		Example: "  hookline topology " + use,
		Args:    args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			conf, err := c.rabbit()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), operatorTimeout)
			defer cancel()
			changes, err := do(ctx, conf)
			if err != nil {
				return nextStep(conf, err)
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
		Short: "Remove a pattern from a route's queue",
		Long: `Remove the binding of a pattern from a route's queue. Hookline keeps the binding of a pattern that you delete from a route's
"match", because another program may have made it. Events that are already in the queue stay there.`,
		Example: "  hookline topology unbind archive 'alma.#'",
		Args:    args(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, given []string) error {
			conf, err := c.rabbit()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), operatorTimeout)
			defer cancel()
			for _, r := range conf.Routes {
				if r.Name == given[0] && slices.Contains(r.Match, given[1]) {
					return usage(fmt.Errorf("route %s still has %s in its match, so the next start would bind it again; remove it from the configuration first", given[0], given[1]))
				}
			}
			if err := app.Unbind(ctx, conf, given[0], given[1]); err != nil {
				return nextStep(conf, err)
			}
			fmt.Fprintf(c.stdout, "%s is not bound to route %s now; RabbitMQ does not say whether it was bound before\n", given[1], given[0])
			return nil
		},
	}
}

// rabbit loads a configuration whose broker is RabbitMQ.
func (c *command) rabbit() (*config.Config, error) {
	conf, err := c.loadBroker()
	if err == nil && conf.Broker.Embedded() {
		return nil, usage(errors.New("the embedded broker has no topology; set broker.url to a RabbitMQ address"))
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
		fmt.Fprintln(table, "AMQP cannot show bindings; `hookline topology apply` makes all of them.")
	}
	return table.Flush()
}
