package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
)

func (c *command) move() *cobra.Command {
	var abandon bool
	cmd := &cobra.Command{
		Use:     "move",
		GroupID: "setup",
		Short:   "Move the embedded broker's events to RabbitMQ",
		Long: `Move the events of the embedded broker's database, data/line.db, to the RabbitMQ of the configuration. Stop Hookline first.
Each event goes to the queues of its own routes, with its attempts; dead letters stay dead letters; unrouted events go to
the routes that match them now. The command declares missing queues, as "topology apply" does. After an interruption,
repeat it: an event at the place of the interruption can then be in RabbitMQ twice.

A start is refused while the data folder's events are on another broker than that of the configuration. --abandon leaves
them behind: it renames data/line.db, or forgets the address of the RabbitMQ that was used before.`,
		Example: "  hookline move --config hookline.yml",
		Args:    args(cobra.NoArgs),
	}
	cmd.Flags().BoolVar(&abandon, "abandon", false, "leave the events behind on the broker that was used before")
	confirmed := c.confirmation(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		conf, err := c.loadBroker()
		if err != nil {
			return err
		}
		found, err := app.FindElsewhere(conf)
		switch {
		case err != nil:
			return err
		case found == nil:
			c.say("no events are on another broker")
			return nil
		case abandon:
			return c.abandon(cmd.Context(), confirmed, conf, found)
		case found.Events < 0:
			return usage(fmt.Errorf("only events of the embedded broker can be moved; %s", found.Advice()))
		}
		moved, err := app.Move(cmd.Context(), conf)
		c.say("moved %d of %d events from %s to RabbitMQ", moved, found.Events, found.Place)
		return nextStep(conf, err)
	}
	return cmd
}

func (c *command) abandon(ctx context.Context, confirmed *confirmation, conf *config.Config, found *app.Elsewhere) error {
	if err := confirmed.check(); err != nil {
		return err
	}
	text := fmt.Sprintf("Nobody will handle events that wait on %s.", found.Place)
	if found.Events > 0 {
		text = fmt.Sprintf("Nobody will handle the %d events in %s.", found.Events, found.Place)
	}
	if err := confirmed.ask(ctx, text+" Leave them behind?"); err != nil {
		return err
	}
	name, err := app.Abandon(conf)
	switch {
	case err != nil:
		return err
	case name != "":
		c.say("left %d events behind in %s", found.Events, name)
	default:
		c.say("left %s behind", found.Place)
	}
	return nil
}
