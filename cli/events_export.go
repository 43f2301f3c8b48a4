package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/pkg/privacy"
)

func (c *command) eventsExport() *cobra.Command {
	var x app.EventExport
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write recorded events as lines of JSON, for what-if and for tests",
		Long: `Write the events of the journal as lines of JSON, the newest first, each in the JSON form of an event. The command reads the
journal in the data folder, beside the process that writes it. Events whose bodies the journal does not keep are left out.

With --redact the rule set alma-patrons is applied: it keeps the fields of Alma's events that are known to name no patron, drops
all others, and replaces the IDs of patrons by pseudonyms. Their key is thrown away: within the file a person has one pseudonym,
and nobody can find out whose it is. A body that is neither JSON nor XML is left out. Headers and the IDs of events stay.`,
		Example: `  hookline events export --since 24h > events.jsonl
  hookline events export --redact --source alma --limit 50 > fixtures.jsonl`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.runEventsExport(cmd, x) },
	}
	sinceFlag(cmd, &x.Filter.From, "only events received")
	cmd.Flags().StringVar(&x.Filter.Source, "source", "", "only events of this source")
	cmd.Flags().StringVar(&x.Filter.Action, "action", "", "only events with this action")
	cmd.Flags().StringVar(&x.Filter.Route, "route", "", "only events that this route has handled")
	countFlag(cmd, &x.Limit, "limit", "", 1000, "write at most this many")
	cmd.Flags().StringVar(&x.Redact, "redact", "", "redact by this rule `SET`")
	cmd.Flags().Lookup("redact").NoOptDefVal = privacy.AlmaPatrons
	return cmd
}

func (c *command) runEventsExport(cmd *cobra.Command, x app.EventExport) error {
	if x.Redact != "" && !slices.Contains(privacy.Sets(), x.Redact) {
		return usage(fmt.Errorf("--redact %q: must be %s", x.Redact, strings.Join(privacy.Sets(), ", ")))
	}
	conf, err := c.loadBroker()
	if err != nil {
		return err
	}
	from, err := app.OpenRecorded(conf)
	if err != nil {
		return err
	}
	done, err := app.ExportEvents(cmd.Context(), from, x, c.stdout)
	if closeErr := from.Close(); err == nil {
		err = closeErr
	}
	if err != nil && cmd.Context().Err() != nil {
		return interrupted(err)
	}
	fmt.Fprintf(c.stderr, "%s\n", exportSummary(done, from.LeftOut))
	return err
}

// exportSummary says how many events were exported, and how many lack a body.
func exportSummary(done app.ExportedEvents, leftOut int) string {
	text := counted(done.Events, "event")
	if done.Unreadable > 0 {
		text += fmt.Sprintf(", %d of them without the body, which is neither JSON nor XML", done.Unreadable)
	}
	if leftOut > 0 {
		text += fmt.Sprintf("; %d left out, because the journal does not keep their bodies", leftOut)
	}
	return text
}
