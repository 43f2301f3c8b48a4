package cli

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
)

// forgetTimeout bounds a search through all stored events and exported files, of which there can be millions on a slow disk.
const forgetTimeout = 6 * time.Hour

func (c *command) forget() *cobra.Command {
	var text string
	f := forgetting{command: c}
	cmd := &cobra.Command{
		Use:     "forget --match TEXT",
		GroupID: "look",
		Short:   "Remove the stored events and exported files of a person for good",
		Long: `Remove stored events that name a person: events that wait for a worker or for another attempt, dead letters, and unrouted
events. With RabbitMQ also the events of the spool in the data folder. Remove files of the handler "file" that name the
person, with their metadata. So run the command on each machine with a receiver or a worker.

The command first shows how many events it found in which place, names the files, and asks. It also names the places
that can have copies and that it cannot search: targets of handlers, databases that were set aside, another broker.

It finds the text, in upper or lower case, as a whole word in the body, in kept headers and in the ID of an event: 4711
is not in 14711. It counts compressed and binary bodies, which it cannot search, and does not look into base64. The
audit counts removed events as discarded.

While RabbitMQ is down, the command removes the events of the spool and the files, and ends with exit code 1: run it
again later. Handlers that have begun with an event run on, and on RabbitMQ the events that workers have fetched are not
searched. So run the command again until it finds nothing. After an interruption a repeat goes on. The page
docs/how-to/erase-a-person.md names all other places.`,
		Example: `  hookline forget --match 4711 --dry-run
  hookline forget --match 4711`,
		Args: args(cobra.NoArgs),
	}
	cmd.Flags().StringVar(&text, "match", "", "find this `TEXT`, such as the primary ID of a person")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "only show what would be removed")
	jsonFlag(cmd, &f.asJSON)
	f.ask = c.confirmation(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		mentions, err := app.NewMentions(text)
		if err != nil {
			return usage(fmt.Errorf("--match: %w", err))
		}
		log, err := c.logger()
		if err == nil && !f.dryRun {
			err = f.ask.check()
		}
		if err != nil {
			return err
		}
		return c.withOperator(cmd, forgetTimeout, func(ctx context.Context, conf *config.Config, operator app.Operator) error {
			return f.run(ctx, mentions.On(conf, operator), log)
		})
	}
	return cmd
}

// forgetting is one call of the command.
type forgetting struct {
	*command
	dryRun, asJSON bool
	ask            *confirmation
}

// run shows the events and files of a person, and removes them. If one place cannot be searched, it goes on with the others, because the
// repeat for that place can be far away.
func (f *forgetting) run(ctx context.Context, mentions app.Mentions, log *zap.Logger) error {
	found, err := mentions.Find(ctx)
	if ctx.Err() != nil {
		return err
	}
	if !f.asJSON {
		if err := f.show(found); err != nil {
			return err
		}
	}
	total := found.Total()
	if err != nil {
		total = 0 // unknown
	}
	var erased app.Erased
	if found.Total() > 0 && !f.dryRun {
		if err := f.ask.ask(ctx, fmt.Sprintf("This removes %d events and %d files for good. Remove them?", found.Events, len(found.Files))); err != nil {
			return err
		}
		erased, err = mentions.Erase(ctx)
		log.Info("events of a person were removed", zap.Int("events", erased.Events), zap.Int("files", erased.Files), zap.Bool("complete", err == nil))
	}
	switch {
	case f.asJSON:
		result := struct {
			app.Found
			app.Erased
		}{found, erased}
		if err := f.json(result); err != nil {
			return err
		}
	case erased.Total() > 0:
		f.say("removed %d events and %d files; run the command again until it finds nothing", erased.Events, erased.Files)
	}
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("%w; solve this, and run the command again", err)
	}
	return changed{done: erased.Total(), total: total}.progress(ctx, "removed", err)
}

// show prints the places with their numbers, the files, and the places that were not searched.
func (f *forgetting) show(found app.Found) error {
	if len(found.Places) > 0 {
		t := table{header: []string{"ROUTE", "ROLE", "FOUND"}, wraps: []int{0}}
		for _, p := range found.Places {
			t.add(cmp.Or(p.Route, "-"), string(p.Role), strconv.Itoa(p.Events))
		}
		if err := f.printTable(t); err != nil {
			return err
		}
	}
	for _, file := range found.Files { // no table, which a narrow terminal cuts
		fmt.Fprintf(f.stdout, "file of route %s: %s\n", file.Route, file.File)
	}
	if found.Total() == 0 {
		f.say("found no stored event and no file")
	}
	if found.Unsearched+found.UnsearchedFiles > 0 {
		f.say("%d further events and %d further files have a compressed or binary body that cannot be searched", found.Unsearched, found.UnsearchedFiles)
	}
	for _, line := range notSearched(found.NotSearched) {
		f.say("%s", line)
	}
	return nil
}

// notSearched returns a line for each reason, in the order of the places.
func notSearched(places []app.NotSearched) (lines []string) {
	var reasons []string
	names := map[string][]string{}
	for _, p := range places {
		if names[p.Reason] == nil {
			reasons = append(reasons, p.Reason)
		}
		names[p.Reason] = append(names[p.Reason], cmp.Or(p.Place, fmt.Sprintf("%s (%s)", p.Route, p.Kind)))
	}
	for _, reason := range reasons {
		lines = append(lines, fmt.Sprintf("not searched: %s: %s", strings.Join(names[reason], ", "), reason))
	}
	return lines
}
