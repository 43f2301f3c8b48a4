package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/sender"
)

// playFlags are the flags of `hookline send --as-sender`.
type playFlags struct {
	speed, rate, repeat float64
	seed                uint64
}

func (p *playFlags) flags(cmd *cobra.Command, on *bool) {
	flags := cmd.Flags()
	flags.BoolVar(on, "as-sender", false, "send as the real sender: with its deadline, repeats and duplicates")
	flags.Float64Var(&p.speed, "speed", 600, "with --as-sender: divide the sender's pauses by this number")
	flags.Float64Var(&p.rate, "rate", 10, "with --as-sender: messages per second")
	flags.Float64Var(&p.repeat, "repeat", 0.1, "with --as-sender: share of the accepted messages that are sent twice")
	flags.Uint64Var(&p.seed, "seed", 1, "with --as-sender: seed of the random choice; the same seed sends the same messages")
}

func (p *playFlags) check(cmd *cobra.Command, s sendFlags) error {
	if s.asSender {
		if s.list || s.challenge {
			return errors.New("--as-sender sends messages; use it without --list and --challenge")
		}
		return nil
	}
	for _, name := range []string{"speed", "rate", "repeat", "seed"} {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s needs --as-sender", name)
		}
	}
	return nil
}

// progressPause is the time between two updates of the progress.
const progressPause = 500 * time.Millisecond

func (c *command) playSender(ctx context.Context, cfg sender.PlayConfig, s sendFlags, messages iter.Seq[message]) error {
	cfg.Speed, cfg.Rate, cfg.Repeat, cfg.Seed = s.play.speed, s.play.rate, s.play.repeat, s.play.seed
	player, err := sender.NewPlayer(cfg)
	if err != nil {
		return usage(err)
	}
	stop := func() {}
	if terminal := app.Terminal(c.stderr); terminal != nil {
		stop = progress(terminal, player)
	}
	r := player.Play(ctx, func(yield func(sender.Message) bool) {
		for m := range messages {
			if !yield(m.Message) {
				return
			}
		}
	})
	stop()
	if s.asJSON {
		err = c.json(r)
	} else {
		err = c.played(r, cfg)
	}
	if err != nil {
		return err
	}
	if len(r.GivenUp) > 0 || r.Unsettled > 0 {
		return exitError{code: ExitFailed}
	}
	return nil
}

// progress shows the numbers so far in one line of the terminal until stop is called.
func progress(terminal io.Writer, player *sender.Player) (stop func()) {
	ended, cleared := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(cleared)
		look := time.NewTicker(progressPause)
		defer look.Stop()
		for {
			select {
			case <-look.C:
				r := player.Report()
				fmt.Fprintf(terminal, "\r\x1b[K%d messages, %d accepted, %d given up, %d waiting", r.Messages, r.AtFirst+r.Later, len(r.GivenUp), r.Unsettled)
			case <-ended:
				fmt.Fprint(terminal, "\r\x1b[K")
				return
			}
		}
	}()
	return func() {
		close(ended)
		<-cleared
	}
}

// maxShown bounds the list of messages that were given up; --json lists all.
const maxShown = 20

func (c *command) played(r sender.Report, cfg sender.PlayConfig) error {
	t := table{wraps: []int{0, 2}}
	row := func(name string, n int, more string) { t.add(name, strconv.Itoa(n), more) }
	row("messages", r.Messages, fmt.Sprintf("in %.3g s, repeated %s", r.Took, pauses(cfg)))
	row("accepted at the first try", r.AtFirst, "")
	row("accepted after repeats", r.Later, "")
	row("given up", len(r.GivenUp), "")
	if r.Unsettled > 0 {
		row("interrupted", r.Unsettled, "")
	}
	row("tries", r.Tries, counts(r.Answers))
	row("duplicates", r.Duplicates, counts(r.DuplicateAnswers))
	t.add("slowest answer", fmt.Sprintf("%.3g s", r.Slowest))
	t.add("longest gap without 2xx", fmt.Sprintf("%.3g s", r.LongestGap))
	if err := c.printTable(t); err != nil {
		return err
	}
	for i, m := range r.GivenUp {
		if i == maxShown {
			fmt.Fprintf(c.stdout, "... and %d more; --json lists all\n", len(r.GivenUp)-i)
			break
		}
		fmt.Fprintf(c.stdout, "given up: %s after %d tries: %s\n", m.ID, m.Tries, strings.TrimSpace(m.Last))
	}
	return nil
}

// pauses describes the pauses before the sender's repeats.
func pauses(cfg sender.PlayConfig) string {
	if len(cfg.Schedule.Pauses) == 0 {
		return "never"
	}
	var texts []string
	for _, pause := range cfg.Schedule.Pauses {
		texts = append(texts, pause.String())
	}
	return fmt.Sprintf("after %s at %g times the speed", strings.Join(texts, ", "), cfg.Speed)
}

func counts(of map[string]int) string {
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		texts = append(texts, fmt.Sprintf("%s: %d", name, of[name]))
	}
	return strings.Join(texts, ", ")
}
