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
		Short:   "Check that every stored event is accounted for",
		Long: `Count the events of each source, and their states on each route. Every stored event is waiting, running, retrying,
done, dead or discarded. An event in none of these states is unaccounted for. The command is safe beside running processes.

After a kill, RUNNING counts the deliveries of the killed process until the broker delivers them again.

Exit codes: 0 every stored event is accounted for, 4 some are not, 1 the audit failed.`,
		Example: `  hookline audit
  hookline audit --json | jq .unaccounted`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withOperator(cmd, wait, func(ctx context.Context, _ *config.Config, operator app.Operator) error {
				a, err := operator.Audit(ctx)
				if err != nil {
					return fmt.Errorf("the audit failed: %w", err)
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
	cmd.Flags().DurationVar(&wait, "wait", 15*time.Second, "how long to wait for the broker")
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
			fmt.Fprintf(table, "%s finished %d more events than it accepted: some were handled twice, or stored without the answer 200.\n", routeName(r), r.Extra)
		}
	}
	fmt.Fprintln(table, auditSummary(a))
	return table.Flush()
}

// auditSummary returns the result in a sentence.
func auditSummary(a broker.Audit) string {
	if a.Unaccounted == 0 {
		return "Every stored event is accounted for."
	}
	var routes []string
	for _, r := range a.Routes {
		if r.Unaccounted > 0 {
			routes = append(routes, fmt.Sprintf("%s %d", routeName(r), r.Unaccounted))
		}
	}
	return fmt.Sprintf(`%d events are unaccounted for: %s. Keep the logs, and see docs/runbooks/HooklineUnaccounted.md.`,
		a.Unaccounted, strings.Join(routes, ", "))
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
