package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/whatif"
)

// whatIf holds the flags of the command.
type whatIf struct {
	against, events string
	since           time.Time
	samples         int
	asJSON          bool
}

func (c *command) whatIf() *cobra.Command {
	var w whatIf
	cmd := &cobra.Command{
		Use:     "what-if --config NEW",
		GroupID: "setup",
		Short:   "Try a new configuration on recorded events, without effects",
		Long: `Run recorded events through the routes of a new configuration and of the one in force, and show the differences: which
events each route would get, which of them "where" would choose, and what "redact", "enrich" and the handlers would make of
them. No request is sent, no program runs, no file is written. The output names the parts that stay unknown without an effect.

The events are those of the journal in the data folder of the configuration in force, by default of the last 24 hours; or those
of a file, as "hookline events export" writes it. So it works in CI, without a running process.

Changed sources are not tried: the events are already received. As a worker, the command needs no secrets of sources.

Exit code 0: nothing differs; 3: something differs.`,
		Example: `  hookline what-if --config new.yml --since 7d
  hookline what-if --config new.yml --events events.jsonl
  hookline what-if --config new.yml --against old.yml --events events.jsonl`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.runWhatIf(cmd.Context(), w) },
	}
	cmd.Flags().StringVar(&w.against, "against", "", "configuration `FILE` in force (default: $HOOKLINE_CONFIG, else hookline.yml if it exists)")
	cmd.Flags().StringVar(&w.events, "events", "", "`FILE` of recorded events, one JSON object on a line; - is the standard input (default: the journal)")
	sinceFlag(cmd, &w.since, "only events received")
	countFlag(cmd, &w.samples, "samples", "", 3, "show at most this many events of each difference of a route")
	jsonFlag(cmd, &w.asJSON)
	return cmd
}

func (c *command) runWhatIf(ctx context.Context, w whatIf) error {
	before, now, err := c.twoConfigurations(w.against)
	if err != nil {
		return err
	}
	source, done, err := w.open(before)
	if err != nil {
		return err
	}
	defer done()
	report, err := app.WhatIf(ctx, before, now, source, whatif.Options{Since: w.since, Samples: w.samples})
	switch {
	case err != nil && ctx.Err() != nil:
		return interrupted(err)
	case err != nil:
		return err
	case report.Events == 0:
		return fmt.Errorf("%s has no event, so nothing was tried", cmp.Or(w.events, "the journal"))
	}
	if err := c.showWhatIf(w, report, app.NotTried(before, now)); err != nil {
		return err
	}
	if report.Differs() {
		return exitError{code: ExitDiffers}
	}
	return nil
}

// twoConfigurations reads the one in force and the new one.
func (c *command) twoConfigurations(against string) (before, now *config.Config, err error) {
	if c.file == "" {
		return nil, nil, usage(errors.New("--config is missing: the file with the new configuration"))
	}
	old := *c
	old.file = against
	if sameFile(old.configFile(), c.file) {
		return nil, nil, usage(fmt.Errorf("%s is the new configuration and the one in force: copy it, change the copy, and name the copy with --config, or name the old one with --against", c.file))
	}
	if before, err = old.loadWorker(); err != nil {
		return nil, nil, err
	}
	now, err = c.loadWorker()
	return before, now, err
}

func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// loadWorker is load for commands that verify no message.
func (c *command) loadWorker() (*config.Config, error) {
	return c.read(c.open(prometheus.NewRegistry(), zap.NewNop()).ReadWorker)
}

// usualSince is how far back the journal's events go without --since.
const usualSince = 24 * time.Hour

// open returns the recorded events. Call done at the end.
func (w *whatIf) open(before *config.Config) (source whatif.Source, done func(), err error) {
	switch w.events {
	case "":
		if w.since.IsZero() {
			w.since = time.Now().Add(-usualSince)
		}
		recorded, err := app.OpenRecorded(before)
		if err != nil {
			return nil, nil, err
		}
		return recorded, func() { _ = recorded.Close() }, nil
	case "-":
		return whatif.NewFixtures("standard input", os.Stdin), func() {}, nil
	}
	file, err := os.Open(w.events)
	if err != nil {
		return nil, nil, usage(fmt.Errorf("--events: %w", err))
	}
	return whatif.NewFixtures(w.events, file), func() { _ = file.Close() }, nil
}
