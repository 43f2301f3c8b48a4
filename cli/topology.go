package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
)

func (c *command) topology() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "topology",
		GroupID: "setup",
		Short:   "Compare RabbitMQ with the configuration, and declare missing queues",
		Long: `Receivers and workers declare their exchanges, queues and bindings when they connect. Use these commands to see the
changes before, to declare as another user where receivers and workers may not declare, to remove a binding, and to remove the queues of
a route that you have removed from the configuration. With broker.management "plan" also names the queues that can lose events,
because they are on too few nodes of a cluster, or because a policy drops events.`,
	}
	group(cmd)
	cmd.AddCommand(
		c.topologyChange("plan", "Show which objects exist, are missing or differ; change nothing", app.PlanTopology),
		c.topologyChange("apply", "Declare missing objects; show differing ones without a change", app.ApplyTopology),
		c.topologyUnbind(),
		c.topologyRetire(),
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
		Long: `Remove the binding of a pattern from a route's queue. The worker that audits does this by itself for a pattern that you have
deleted from a route's "match", as soon as no running process has it in its configuration. Events that are already in the queue
stay there.`,
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
			c.say("%s is not bound to route %s now; RabbitMQ does not say whether it was bound before", given[1], given[0])
			return nil
		},
	}
}

func (c *command) topologyRetire() *cobra.Command {
	var r broker.Retirement
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "retire ROUTE",
		Short: "Remove a route that the configuration lacks, without a loss",
		Long: `Remove the queues of a route that you have removed from the configuration, or renamed. The command ends that the route gets
events, waits until it has none, and then deletes its queues. While it has events, the command says how many there are, and
deletes nothing. Its events are handled when you add the route again, or moved by --to-unrouted: then "hookline unrouted" lists,
replays and discards them.

Restart all processes with the new configuration first.`,
		Example: `  hookline topology retire archive
  hookline topology retire archive --to-unrouted`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			r.Route = given[0]
			timeout := wait
			if r.ToUnrouted {
				timeout += browseTimeout
			}
			return c.withOperator(cmd, timeout, func(ctx context.Context, conf *config.Config, operator app.Operator) error {
				if slices.Contains(routeNames(conf), r.Route) {
					return usage(fmt.Errorf("the configuration has route %s; remove it there first, and restart the processes", r.Route))
				}
				moved, err := operator.Retire(ctx, r)
				if moved > 0 {
					c.say("moved %d events to the unrouted; `hookline unrouted list` shows them", moved)
				}
				if errors.Is(err, broker.ErrNotEmpty) {
					return fmt.Errorf("%w; add the route again until they are done, or move them by --to-unrouted", err)
				}
				if err == nil {
					c.say("route %s is retired", r.Route)
				}
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&r.ToUnrouted, "to-unrouted", false, "move its events and dead letters to the unrouted")
	cmd.Flags().StringSliceVar(&r.Patterns, "match", nil, "patterns that the route had, if Hookline does not know them")
	cmd.Flags().DurationVar(&wait, "wait", 15*time.Second, "how long to wait until the route has no events")
	return cmd
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
	t := table{header: []string{"STATE", "KIND", "NAME", "DETAIL"}, wraps: []int{2, 3}}
	for _, change := range changes {
		t.add(string(change.State), change.Kind, change.Name, change.Detail)
	}
	if err := c.printTable(t); err != nil {
		return err
	}
	if slices.ContainsFunc(changes, app.Change.Unseen) {
		c.say("AMQP cannot show bindings; `hookline topology apply` makes all of them.")
	}
	return nil
}
