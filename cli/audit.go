package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
)

func (c *command) audit() *cobra.Command {
	var asJSON, acknowledge bool
	var wait time.Duration
	cmd := &cobra.Command{
		Use:     "audit",
		GroupID: "look",
		Short:   "Check that every stored event is accounted for",
		Long: `Count the events of each source, and their states on each route. Every stored event is waiting, running, retrying,
done, dead or discarded. An event in none of these states is unaccounted for. The command is safe beside running processes.

The command gives up after 2s if RabbitMQ refuses connections. With --wait it waits also for a RabbitMQ that starts.

After a kill, RUNNING counts the deliveries of the killed process until the broker delivers them again.

After a change of broker.url, the command also names the events that are still on the broker before: see "hookline move".

When counting began anew, as after the ledger was deleted, losses before that are unknown. The command says so until somebody
acknowledges it with --acknowledge.

Exit codes: 0 every stored event is accounted for, 4 some are not or are on another broker, 5 counting began anew or too many events are open to check
each, 6 the ledger has notes of a newer Hookline, 1 the audit failed.`,
		Example: `  hookline audit
  hookline audit --json | jq .unaccounted`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			conf, err := c.loadBroker()
			if err != nil {
				return err
			}
			elsewhere, err := app.FindElsewhere(conf)
			if err != nil {
				return fmt.Errorf("the audit failed: %w", err)
			}
			refused := refusedTimeout
			if cmd.Flags().Changed("wait") {
				refused = 0
			}
			err = c.withPatientOperator(cmd, wait, refused, func(ctx context.Context, _ *config.Config, operator app.Operator) error {
				if acknowledge {
					if err := operator.Acknowledge(ctx); err != nil {
						return fmt.Errorf("nothing is acknowledged: %w", err)
					}
				}
				return c.showAudit(ctx, operator, elsewhere, asJSON)
			})
			if elsewhere == nil {
				return err
			}
			return exitError{ExitUnaccounted, errors.Join(err, fmt.Errorf("more events are elsewhere: %s", elsewhere.Advice()))}
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().BoolVar(&acknowledge, "acknowledge", false, "take note that counting began anew, so that audits no longer report it")
	cmd.Flags().DurationVar(&wait, "wait", 15*time.Second, "how long to wait for the broker; without this flag, 2s for one that refuses connections")
	return cmd
}

// showAudit prints an audit. It returns an exitError if some event is not accounted for.
func (c *command) showAudit(ctx context.Context, auditor broker.Auditor, elsewhere *app.Elsewhere, asJSON bool) error {
	a, err := auditor.Audit(ctx)
	if err != nil {
		return fmt.Errorf("the audit failed: %w", err)
	}
	if asJSON {
		err = c.json(auditJSON{a, elsewhere})
	} else {
		err = c.auditTable(a, elsewhere)
	}
	if code := auditCode(a); err == nil && code != ExitOK {
		err = exitError{code: code}
	}
	return err
}

// auditCode returns the exit code for the gravest finding.
func auditCode(a broker.Audit) int {
	switch {
	case a.Unaccounted != 0 || silentEvents(a) > 0:
		return ExitUnaccounted
	case a.Newer > 0:
		return ExitNewer
	case a.Anew != "", unkeyedEvents(a) > 0:
		return ExitAnew
	}
	return ExitOK
}

// auditJSON is the output of --json.
type auditJSON struct {
	broker.Audit
	Elsewhere *app.Elsewhere `json:"elsewhere,omitempty"`
}

// unkeyedEvents counts the open events that the audit knows by number alone.
func unkeyedEvents(a broker.Audit) (sum int64) {
	for _, r := range a.Routes {
		sum += r.Unkeyed
	}
	return sum
}

// silentEvents counts the events in spools of silent receivers.
func silentEvents(a broker.Audit) (sum int64) {
	for _, s := range a.Spools {
		if s.SilentSince != nil {
			sum += s.Present
		}
	}
	return sum
}
