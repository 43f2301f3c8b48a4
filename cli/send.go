package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/sender"
)

// sending is what the flags of `hookline send` say.
type sending struct {
	url, format, id, file, contentType string
	count                              int
	all, list, challenge, asJSON       bool
	asSender                           bool
	play                               playing
}

func (c *command) send() *cobra.Command {
	var s sending
	cmd := &cobra.Command{
		Use:     "send SOURCE [ACTION]",
		GroupID: "look",
		Short:   "Send a signed test event, as the real sender would",
		Long: `Send a realistic event of the source's sender, signed with the source's first secret, to a running receiver, and
print what came back.

  hookline send alma --list                 what there is to send
  hookline send alma --challenge            what Alma asks when the integration profile is activated
  hookline send alma job_end                JSON; --format xml for XML
  hookline send alma --all                  one of each
  hookline send alma --file event.json      a body of your own
  hookline send alma job_end --as-sender    as Alma really sends: its deadline, its repeats, some messages twice

With --as-sender it sends --count messages at --rate, repeats as the preset's sender would after what it would (an hour
of its pauses takes 6 seconds at the default --speed), and reports what it would have given up on.

Exit code 0 if every answer was 2xx, with --as-sender if every message was accepted in the end; else 1.`,
		Args: args(cobra.RangeArgs(1, 2)), ValidArgsFunction: c.completeSend,
		RunE: func(cmd *cobra.Command, given []string) error {
			action := ""
			if len(given) == 2 {
				action = given[1]
			}
			if one := len(given) - 1 + count(s.all, s.list, s.challenge, s.file != ""); one != 1 {
				return usage(errors.New("give exactly one of ACTION, --all, --list, --challenge and --file\nTry: hookline send alma --list"))
			}
			if s.url != "" {
				if _, err := parseURL(s.url); err != nil {
					return err
				}
			}
			if err := s.play.check(cmd, s); err != nil {
				return usage(err)
			}
			return c.sendTo(cmd.Context(), given[0], action, s)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&s.url, "url", "", "the receiver, http://HOST:PORT (default: this configuration's listen address)")
	flags.StringVar(&s.format, "format", "", "json or xml")
	flags.StringVar(&s.id, "id", "", "the event's ID (default: a new one); the same again plays a sender's repeat")
	flags.StringVar(&s.file, "file", "", "send this file's content as the body")
	flags.StringVar(&s.contentType, "content-type", "application/json", "with --file: its Content-Type")
	countFlag(cmd, &s.count, "count", "n", 1, "send this many")
	flags.BoolVar(&s.all, "all", false, "send each sample")
	flags.BoolVar(&s.list, "list", false, "list the samples; send nothing")
	flags.BoolVar(&s.challenge, "challenge", false, "ask Alma's challenge; send no event")
	s.play.flags(cmd, &s.asSender)
	jsonFlag(cmd, &s.asJSON)
	return cmd
}

func (c *command) sendTo(ctx context.Context, name, action string, s sending) error {
	conf, err := c.load(zap.NewNop())
	if err != nil {
		return err
	}
	source, ok := conf.Sources[name]
	if clock, scheduled := conf.Schedules[name]; scheduled {
		return usage(fmt.Errorf("source %q is a schedule: its sender is the clock (%s %s), and nobody else can send its events; to try its routes now, give it a cron that is due soon", name, clock.Cron, cmp.Or(clock.Zone, "UTC")))
	}
	if !ok {
		return usage(fmt.Errorf("no source %q in the configuration; `hookline config show` lists them", name))
	}
	if s.list {
		return c.listSamples(source.Preset, s.asJSON)
	}
	target := sender.Target{URL: app.WebhookURL(conf, name, s.url), Deadline: source.Deadline}
	if s.challenge {
		answer, err := sender.Challenge(ctx, target)
		if answer.Code == 0 {
			return err
		}
		return c.answers([]sent{{Name: "challenge", Code: answer.Code, Took: answer.Took.String(), Body: string(answer.Body)}}, s.asJSON, err)
	}
	verifier, err := signature.New(source.Verify, source.Secrets)
	if err != nil {
		return usage(err)
	}
	if _, err := s.round(source.Preset, action); err != nil {
		return usage(err)
	}
	if s.asSender {
		return c.playSender(ctx, sender.PlayConfig{To: target, Verifier: verifier, Schedule: sender.ScheduleOf(source.Preset)}, s, s.messages(source.Preset, action))
	}
	var all []sent
	for m := range s.messages(source.Preset, action) {
		answer, err := sender.Send(ctx, target, m.Message, verifier)
		if err != nil {
			return c.answers(all, s.asJSON, err)
		}
		all = append(all, sent{m.name, m.ID, answer.Code, answer.Took.Round(10 * time.Microsecond).String(), strings.TrimSpace(string(answer.Body))})
	}
	return c.answers(all, s.asJSON, nil)
}

// message is what to send, and what to call it.
type message struct {
	name string
	sender.Message
}

// messages makes as many rounds as --count says, each when it is asked for: with the time of then.
func (s sending) messages(preset, action string) iter.Seq[message] {
	return func(yield func(message) bool) {
		for range s.count {
			round, _ := s.round(preset, action) // the first has shown that there is no error
			for _, m := range round {
				if !yield(m) {
					return
				}
			}
		}
	}
}

// round makes one message of what is asked for, or with --all one of each sample.
func (s sending) round(preset, action string) (out []message, err error) {
	switch {
	case s.file != "":
		body, err := os.ReadFile(s.file)
		if err != nil {
			return nil, err
		}
		out = append(out, message{s.file, sender.Message{ID: s.id, Header: http.Header{"Content-Type": {s.contentType}}, Body: body}})
	case s.all:
		for _, sample := range sender.Samples(preset) {
			if s.format == "" || s.format == sample.Format {
				out = append(out, message{sample.Name + " " + sample.Format, sample.Message("", time.Now())})
			}
		}
	default:
		sample, err := sender.Find(preset, action, s.format)
		if err != nil {
			return nil, err
		}
		out = append(out, message{sample.Name, sample.Message(s.id, time.Now())})
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("there are no samples for preset %q; use --file", preset)
	}
	return out, nil
}

// sent is one message and its answer.
type sent struct {
	Name string `json:"name"`
	ID   string `json:"id,omitempty"`
	Code int    `json:"code"`
	Took string `json:"took"`
	Body string `json:"body"`
}

func (c *command) answers(all []sent, asJSON bool, err error) error {
	if asJSON {
		err = errors.Join(c.json(all), err)
	} else {
		for _, s := range all {
			fmt.Fprintf(c.stdout, "%d in %s  %s  %s\n", s.Code, s.Took, s.Name, s.Body)
		}
	}
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(s sent) bool { return s.Code < 200 || s.Code > 299 }) {
		return exitError{code: ExitFailed}
	}
	return nil
}

func (c *command) listSamples(preset string, asJSON bool) error {
	type listed struct {
		Name   string `json:"name"`
		Action string `json:"action"`
		Format string `json:"format"`
	}
	var all []listed
	for _, s := range sender.Samples(preset) {
		all = append(all, listed{s.Name, s.Action, s.Format})
	}
	if asJSON {
		return c.json(all)
	}
	table := tabwriter.NewWriter(c.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tACTION\tFORMAT")
	for _, s := range all {
		fmt.Fprintf(table, "%s\t%s\t%s\n", s.Name, s.Action, s.Format)
	}
	return table.Flush()
}

func (c *command) completeSend(_ *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
	conf, err := c.load(zap.NewNop())
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	if len(given) == 0 {
		for name := range conf.Sources {
			names = append(names, name)
		}
	} else {
		for _, s := range sender.Samples(conf.Sources[given[0]].Preset) {
			names = append(names, s.Name)
		}
	}
	return slices.Compact(names), cobra.ShellCompDirectiveNoFileComp
}

func count(conditions ...bool) (n int) {
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}
