package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
)

func (c *command) audit() *cobra.Command {
	var asJSON bool
	var wait time.Duration
	cmd := &cobra.Command{
		Use:     "audit",
		GroupID: "look",
		Short:   "Show that every stored event is somewhere, or how many are not",
		Long: `Count what came from each source and what became of it on each route: every event that was stored has to be waiting,
running, retrying, done, dead or discarded. It can be asked at any time, beside whatever runs.

RUNNING is in hand as far as the line knows: after a kill it is what was in hand then, until the next process takes it up.

Exit codes: 0 every stored event is accounted for, 4 some are not, 1 it could not be told.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withOperator(cmd, wait, func(ctx context.Context, _ *config.Config, operator app.Operator) error {
				a, err := operator.Audit(ctx)
				if err != nil {
					return fmt.Errorf("it cannot be told whether everything is accounted for: %w", err)
				}
				if asJSON {
					err = c.json(a)
				} else {
					err = c.auditTable(a)
				}
				if err == nil && a.Unaccounted != 0 {
					err = exitError{code: ExitUnaccounted}
				}
				return err
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().DurationVar(&wait, "wait", 15*time.Second, "how long the line may take")
	return cmd
}

// auditTable fits into 80 columns with names of up to 14 characters.
func (c *command) auditTable(a broker.Audit) error {
	table := tabwriter.NewWriter(c.stdout, 0, 4, 1, ' ', 0)
	fmt.Fprintln(table, "SOURCE\tRECEIVED\tREJECTED\tDUPLICATE\tSPOOLED\tACCEPTED\tUNROUTED")
	for _, s := range a.Sources {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\n", s.Source, s.Received, rejected(s), s.Duplicate, s.Spooled, s.Accepted, s.Unrouted)
	}
	fmt.Fprintln(table)
	fmt.Fprintln(table, "ROUTE\tACCEPTED\tWAITING\tRUNNING\tRETRYING\tDONE\tDEAD\tDISCARDED\tUNACCOUNTED")
	for _, r := range a.Routes {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n", routeName(r), r.Accepted, r.Waiting, r.Running, r.Retrying, r.Done, r.Dead, r.Discarded, r.Unaccounted)
	}
	fmt.Fprintf(table, "\nCounted since %s.\n", a.Since.Local().Format(time.DateTime))
	for _, s := range a.Sources {
		if len(s.Rejected) > 0 {
			fmt.Fprintf(table, "Rejected from %s: %s.\n", s.Source, reasons(s))
		}
	}
	for _, r := range a.Routes {
		if r.Extra > 0 {
			fmt.Fprintf(table, "%s finished %d more than were accepted: done twice, or stored without an answer of 200.\n", routeName(r), r.Extra)
		}
	}
	fmt.Fprintln(table, auditWords(a))
	return table.Flush()
}

// auditWords is the result in a sentence.
func auditWords(a broker.Audit) string {
	if a.Unaccounted == 0 {
		return "Every stored event is accounted for."
	}
	var where []string
	for _, r := range a.Routes {
		if r.Unaccounted > 0 {
			where = append(where, fmt.Sprintf("%s %d", routeName(r), r.Unaccounted))
		}
	}
	return fmt.Sprintf(`%d events are unaccounted for: %s. Keep the logs, and see "Is everything accounted for?" in docs/operations.md.`,
		a.Unaccounted, strings.Join(where, ", "))
}

func routeName(r broker.RouteAudit) string {
	if r.Route == "" {
		return "(unrouted)"
	}
	return r.Route
}

func rejected(s broker.SourceAudit) (sum int64) {
	for _, n := range s.Rejected {
		sum += n
	}
	return sum
}

func reasons(s broker.SourceAudit) string {
	var all []string
	for _, reason := range slices.Sorted(maps.Keys(s.Rejected)) {
		all = append(all, fmt.Sprintf("%s %d", reason, s.Rejected[reason]))
	}
	return strings.Join(all, ", ")
}
