package cli

import (
	"cmp"
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
)

func (c *command) forget() *cobra.Command {
	var text string
	var dryRun bool
	cmd := &cobra.Command{
		Use:     "forget --match TEXT",
		GroupID: "look",
		Short:   "Remove the stored events of a person for good",
		Long: `Remove stored events that name a person: events that wait for a worker or for another attempt, dead letters, and unrouted
events. With RabbitMQ also the events of the spool in the data folder; so run the command on each receiver.

The command first shows how many events it found in which place, and asks. It finds the text, in upper or lower case, as
a whole word in the body, in kept headers and in the ID of an event: 4711 is not in 14711. It counts compressed and
binary bodies, which it cannot search, and does not look into base64. The audit counts removed events as discarded.

Handlers that have begun with an event run on, and on RabbitMQ the events that workers have fetched are not searched. So
run the command again until it finds nothing. After an interruption a repeat goes on. The page docs/how-to/erase-a-person.md
names all other places.`,
		Example: `  hookline forget --match 4711 --dry-run
  hookline forget --match 4711`,
		Args: args(cobra.NoArgs),
	}
	cmd.Flags().StringVar(&text, "match", "", "find this `TEXT`, such as the primary ID of a person")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only show what would be removed")
	ask := c.confirmation(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		mentions, err := app.NewMentions(text)
		if err != nil {
			return usage(fmt.Errorf("--match: %w", err))
		}
		log, err := c.logger()
		if err == nil && !dryRun {
			err = ask.check()
		}
		if err != nil {
			return err
		}
		return c.withOperator(cmd, browseTimeout, func(ctx context.Context, _ *config.Config, operator app.Operator) error {
			found, err := mentions.Find(ctx, operator)
			if err != nil {
				return err
			}
			if err := c.showFound(found); err != nil || dryRun || found.Total == 0 {
				return err
			}
			if err := ask.ask(ctx, fmt.Sprintf("This removes %d events for good. Remove them?", found.Total)); err != nil {
				return err
			}
			removed, err := mentions.Erase(ctx, operator)
			fmt.Fprintf(c.stdout, "removed %d; run the command again until it finds nothing\n", removed)
			log.Info("events of a person were removed", zap.Int("events", removed), zap.Bool("complete", err == nil))
			return changed{done: removed, total: found.Total}.progress(ctx, "removed", err)
		})
	}
	return cmd
}

// showFound prints the places with their numbers.
func (c *command) showFound(f app.Found) error {
	if f.Unsearched > 0 {
		fmt.Fprintf(c.stdout, "%d further events have a compressed or binary body that cannot be searched\n", f.Unsearched)
	}
	if f.Total == 0 {
		fmt.Fprintln(c.stdout, "found no stored event")
		return nil
	}
	t := table{header: []string{"ROUTE", "ROLE", "FOUND"}}
	for _, p := range f.Places {
		t.add(cmp.Or(p.Route, "-"), string(p.Role), strconv.Itoa(p.Events))
	}
	return c.printTable(t)
}
