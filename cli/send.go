package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/sender"
)

// sendFlags are the flags of `hookline send`.
type sendFlags struct {
	url, format, id, file, contentType string
	count                              int
	all, list, challenge, asJSON       bool
	asSender                           bool
	play                               playFlags
}

func (c *command) send() *cobra.Command {
	var s sendFlags
	cmd := &cobra.Command{
		Use:     "send SOURCE [ACTION]",
		GroupID: "look",
		Short:   "Send a signed test event, as the real sender would",
		Long: `Send an event of the source's sender to a running receiver, and print the answer. The event is one of the built-in samples,
or a file. It is signed with the first secret of the source.

With --as-sender the command sends --count messages at --rate and keeps to the real sender's deadline, repeats and
pauses. At the default --speed an hour of its pauses takes 6 seconds. The report lists the messages that the sender
would have given up.

Exit code 0 if every answer was 2xx, or with --as-sender if every message was accepted at last; else 1.`,
		Example: `  hookline send alma --list                 # list the samples
  hookline send alma --challenge            # ask Alma's activating question
  hookline send alma job_end                # send a sample
  hookline send alma --all                  # send every sample
  hookline send alma --file event.json      # send a file
  hookline send alma job_end --as-sender    # with deadline and repeats`,
		Args: args(cobra.RangeArgs(1, 2)), ValidArgsFunction: c.completeSend,
		RunE: func(cmd *cobra.Command, given []string) error {
			action := ""
			if len(given) == 2 {
				action = given[1]
			}
			if one := len(given) - 1 + count(s.all, s.list, s.challenge, s.file != ""); one != 1 {
				return usage(errors.New("give exactly one of ACTION, --all, --list, --challenge and --file\nTry: hookline send " + given[0] + " --list"))
			}
			if s.format != "" && s.format != "json" && s.format != "xml" {
				return usage(fmt.Errorf("--format %q: use json or xml", s.format))
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
	flags.StringVar(&s.url, "url", "", "`URL` of the receiver, http://HOST:PORT (default: the listen address of the configuration)")
	flags.StringVar(&s.format, "format", "", "`FORMAT` of the sample: json or xml")
	flags.StringVar(&s.id, "id", "", "`ID` of the event (default: a new one); the same ID again is a sender's repeat")
	flags.StringVar(&s.file, "file", "", "send the content of this `FILE` as the body")
	flags.StringVar(&s.contentType, "content-type", "application/json", "with --file: the Content-`TYPE` of the body")
	countFlag(cmd, &s.count, "count", "n", 1, "number of messages; with --all, of rounds")
	flags.BoolVar(&s.all, "all", false, "send every sample")
	flags.BoolVar(&s.list, "list", false, "list the samples instead of sending")
	flags.BoolVar(&s.challenge, "challenge", false, "send Alma's challenge instead of an event")
	s.play.flags(cmd, &s.asSender)
	jsonFlag(cmd, &s.asJSON)
	return cmd
}

func (c *command) sendTo(ctx context.Context, name, action string, s sendFlags) error {
	conf, err := c.load(zap.NewNop())
	if err != nil {
		return err
	}
	source, ok := conf.Sources[name]
	if clock, scheduled := conf.Schedules[name]; scheduled {
		return usage(fmt.Errorf("source %q is a schedule, so only the clock sends its events (%s %s); to test its routes now, set its cron to the next minutes", name, clock.Cron, cmp.Or(clock.Zone, "UTC")))
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
			return unreachable(err)
		}
		return c.answers([]sent{{Name: "challenge", Code: answer.Code, Took: answer.Took.String(), Body: string(answer.Body)}}, s.asJSON, err)
	}
	verifier := conf.CheckedSources.Verifier(name)
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
			return c.answers(all, s.asJSON, unreachable(err))
		}
		all = append(all, sent{m.name, m.ID, answer.Code, answer.Took.Round(10 * time.Microsecond).String(), strings.TrimSpace(string(answer.Body))})
	}
	return c.answers(all, s.asJSON, nil)
}

// unreachable adds the next step to the error of a request that found no receiver.
func unreachable(err error) error {
	var network *net.OpError
	if errors.As(err, &network) && network.Op == "dial" {
		return fmt.Errorf("%w (is it running? name its address with --url)", err)
	}
	return err
}

// message is a message with a name for the output.
type message struct {
	name string
	sender.Message
}

// messages yields --count rounds. It makes each round when the round is due, so that its messages have the time of sending.
func (s sendFlags) messages(preset, action string) iter.Seq[message] {
	return func(yield func(message) bool) {
		for range s.count {
			round, _ := s.round(preset, action) // sendTo has called round before, so it cannot fail here
			for _, m := range round {
				if !yield(m) {
					return
				}
			}
		}
	}
}

// round makes the message that the flags select, or with --all one message of each sample.
func (s sendFlags) round(preset, action string) (out []message, err error) {
	switch {
	case s.file != "":
		body, err := os.ReadFile(s.file)
		if err != nil {
			return nil, fmt.Errorf("--file: %w", err)
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
		return nil, fmt.Errorf("there are no samples for the preset %q; use --file", preset)
	}
	return out, nil
}

// sent is a message and its answer.
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
	t := table{header: []string{"NAME", "ACTION", "FORMAT"}, wraps: []int{0, 1}}
	for _, s := range all {
		t.add(s.Name, s.Action, s.Format)
	}
	return c.printTable(t)
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
