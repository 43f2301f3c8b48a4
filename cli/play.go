package cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/sender"
)

// playing is what the flags of `hookline send --as-sender` say.
type playing struct {
	speed, rate, repeat float64
	seed                uint64
}

func (p *playing) flags(cmd *cobra.Command, on *bool) {
	flags := cmd.Flags()
	flags.BoolVar(on, "as-sender", false, "play the real sender: its deadline, its repeats, duplicates")
	flags.Float64Var(&p.speed, "speed", 600, "with --as-sender: how many times faster the sender's pauses pass")
	flags.Float64Var(&p.rate, "rate", 10, "with --as-sender: messages a second")
	flags.Float64Var(&p.repeat, "repeat", 0.1, "with --as-sender: share of messages that are sent twice although they were accepted")
	flags.Uint64Var(&p.seed, "seed", 1, "with --as-sender: the same seed repeats the same messages")
}

func (p *playing) check(cmd *cobra.Command, s sending) error {
	if s.asSender {
		if s.list || s.challenge {
			return errors.New("--as-sender sends messages: it does not go with --list or --challenge")
		}
		return nil
	}
	for _, name := range []string{"speed", "rate", "repeat", "seed"} {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s is for --as-sender only", name)
		}
	}
	return nil
}

// progressPause is the time between two looks at how a play stands.
const progressPause = 500 * time.Millisecond

func (c *command) playSender(ctx context.Context, cfg sender.PlayConfig, s sending, messages iter.Seq[message]) error {
	cfg.Speed, cfg.Rate, cfg.Repeat, cfg.Seed = s.play.speed, s.play.rate, s.play.repeat, s.play.seed
	player, err := sender.NewPlayer(cfg)
	if err != nil {
		return usage(err)
	}
	stop := func() {}
	if app.IsTerminal(c.stderr) {
		stop = c.progress(player)
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

// progress shows how it stands in one line on the terminal, until the returned function is called.
func (c *command) progress(player *sender.Player) (stop func()) {
	ended, cleared := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(cleared)
		look := time.NewTicker(progressPause)
		defer look.Stop()
		for {
			select {
			case <-look.C:
				r := player.Report()
				fmt.Fprintf(c.stderr, "\r\x1b[K%d messages, %d accepted, %d given up, %d waiting", r.Messages, r.AtFirst+r.Later, len(r.GivenUp), r.Unsettled)
			case <-ended:
				fmt.Fprint(c.stderr, "\r\x1b[K")
				return
			}
		}
	}()
	return func() {
		close(ended)
		<-cleared
	}
}

// maxShown is how many given up messages are listed; --json has all.
const maxShown = 20

func (c *command) played(r sender.Report, cfg sender.PlayConfig) error {
	table := tabwriter.NewWriter(c.stdout, 0, 4, 2, ' ', 0)
	line := func(name string, n int, more string) { fmt.Fprintf(table, "%s\t%d\t%s\n", name, n, more) }
	line("messages", r.Messages, fmt.Sprintf("in %.3g s, repeated %s", r.Took, pauses(cfg)))
	line("accepted at the first try", r.AtFirst, "")
	line("accepted after repeats", r.Later, "")
	line("given up", len(r.GivenUp), "")
	if r.Unsettled > 0 {
		line("interrupted", r.Unsettled, "")
	}
	line("tries", r.Tries, counts(r.Answers))
	line("duplicates", r.Duplicates, counts(r.DuplicateAnswers))
	fmt.Fprintf(table, "slowest answer\t%.3g s\n", r.Slowest)
	fmt.Fprintf(table, "longest gap without 2xx\t%.3g s\n", r.LongestGap)
	if err := table.Flush(); err != nil {
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

// pauses says when the sender repeats.
func pauses(cfg sender.PlayConfig) string {
	if len(cfg.Schedule.Pauses) == 0 {
		return "never"
	}
	var texts []string
	for _, pause := range cfg.Schedule.Pauses {
		texts = append(texts, pause.String())
	}
	return fmt.Sprintf("after %s, %g times as fast", strings.Join(texts, ", "), cfg.Speed)
}

func counts(of map[string]int) string {
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		texts = append(texts, fmt.Sprintf("%s: %d", name, of[name]))
	}
	return strings.Join(texts, ", ")
}
