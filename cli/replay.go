package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/console/api"
	"github.com/hookline/hookline/console/client"
	"github.com/hookline/hookline/console/jobs"
)

// replayFlags are the flags of `hookline replay`.
type replayFlags struct {
	from      string
	selection jobs.Selection
	to        []string
	all       bool
	start     api.StartRequest
	plan      bool
	detach    bool
	asJSON    bool
}

func (c *command) replay() *cobra.Command {
	var f replayFlags
	var at consoleFlags
	var ask *confirmation
	cmd := &cobra.Command{
		Use:     "replay [ID...]",
		GroupID: "look",
		Short:   "Replay many events as a job, after a plan",
		Long: `Replay events that a filter or their IDs choose. First it shows a plan: how many events, on which routes, a sample, and the
events that are left out. Then it asks, and starts a job in the running process. The job goes on when this command ends, and
over restarts; Ctrl-C ends only the view of its progress.

--from says where the events are:

- dead: dead letters, which their route gets again as new events
- unrouted: events that matched no route; they go to the routes that match them now
- failing: events that wait for their next attempt, which they have now
- journal: recorded events, also done ones, which the routes of --to get again

--proof replays one event first, then ten, then the rest, and stops at the first one that fails again.

Without a console, "hookline dead replay" and "hookline unrouted replay" replay without a job.`,
		Example: `  hookline replay --route exports --since 24h --why "server repaired" --proof
  hookline replay --from journal --source alma --since 24h --to archive
  hookline replay --all --plan`,
		Args: args(cobra.ArbitraryArgs),
		RunE: func(cmd *cobra.Command, ids []string) error {
			f.selection.IDs = ids
			if err := f.check(); err != nil {
				return err
			}
			if !f.plan {
				if err := ask.check(); err != nil {
					return err
				}
			}
			return c.withConsole(cmd, at, " Without it, `hookline dead replay` and `hookline unrouted replay` do it without a job.", func(ctx context.Context, running *client.Client) error {
				return c.doReplay(ctx, running, f, ask)
			})
		},
	}
	ask = c.confirmation(cmd)
	ask.does = "replays events"
	f.flags(cmd)
	at.flags(cmd)
	_ = cmd.RegisterFlagCompletionFunc("route", c.completeRoutes)
	_ = cmd.RegisterFlagCompletionFunc("to", c.completeRoutes)
	return cmd
}

func (f *replayFlags) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.from, "from", "dead", "the `PLACE` of the events: dead, unrouted, failing or journal")
	flags.BoolVar(&f.all, "all", false, "all events of the place, without a filter")
	flags.StringSliceVar(&f.selection.Routes, "route", nil, "only events of the routes with these `NAMES`, separated by commas")
	flags.StringVar(&f.selection.Source, "source", "", "only events of the source with this `NAME`")
	flags.StringVar(&f.selection.Action, "action", "", "only events with this `ACTION`")
	flags.StringVar(&f.selection.Reason, "reason", "", "only events that failed for this `REASON`, such as timeout")
	flags.StringVar(&f.selection.Cause, "cause", "", "only events that failed with an error of this `PATTERN`, as \"hookline dead groups\" shows it")
	flags.StringVar(&f.selection.Text, "search", "", "with --from journal: only events with these `WORDS`")
	sinceFlag(cmd, &f.selection.Since, "only events that died, or were received,")
	untilFlag(cmd, &f.selection.Until, "only events that died, or were received,")
	flags.StringSliceVar(&f.to, "to", nil, "with --from journal: the `ROUTES` that get the events, separated by commas")
	flags.Float64Var(&f.start.Rate, "rate", 0, "events per second at most; 0: no limit")
	flags.BoolVar(&f.start.Proof, "proof", false, "one event, then ten, then the rest; stop at the first one that fails again")
	flags.StringVar(&f.start.Why, "why", "", "the `REASON`, for the log of who did what")
	flags.BoolVar(&f.plan, "plan", false, "show the plan, and do nothing")
	flags.BoolVar(&f.detach, "detach", false, "start the job, and do not show its progress")
	jsonFlag(cmd, &f.asJSON)
}

// check returns wrong usage for a command that chooses no events.
func (f *replayFlags) check() error {
	s := f.selection
	chosen := len(s.IDs)+len(s.Routes) > 0 || s.Source+s.Action+s.Reason+s.Cause+s.Text != "" || !s.Since.IsZero() || !s.Until.IsZero()
	switch {
	case chosen == f.all:
		return usage(errors.New("give IDs or a filter such as --route, or --all for all events of the place"))
	case f.start.Rate < 0:
		return usage(errors.New("--rate is 0 or more events per second"))
	}
	return nil
}

// doReplay makes the plan, asks, starts the job and shows its progress.
func (c *command) doReplay(ctx context.Context, running *client.Client, f replayFlags, ask *confirmation) error {
	in := api.PlanRequest{Action: jobs.Replay, Selection: f.selection, To: f.to}
	if in.Selection.From = jobs.From(f.from); in.Selection.From == jobs.FromFailing {
		in.Action = jobs.RetryNow
	}
	var p jobs.Plan
	if err := running.Post(ctx, "plans", in, &p); err != nil {
		return err
	}
	if f.plan && f.asJSON {
		return c.json(p)
	}
	if !f.asJSON {
		if err := c.printPlan(p); err != nil {
			return err
		}
	}
	if f.plan || p.Count == 0 {
		return nil
	}
	if err := ask.ask(ctx, fmt.Sprintf("Start the job with %s?", eventCount(p.Count))); err != nil {
		return err
	}
	var j jobs.Job
	if err := running.Post(ctx, fmt.Sprintf("plans/%d/start", p.ID), f.start, &j); err != nil {
		return err
	}
	if !f.asJSON {
		c.say("Job %d has begun.", j.ID)
	}
	if f.detach && f.asJSON {
		return c.json(j)
	}
	if f.detach {
		return nil
	}
	return c.watchJob(ctx, running, j.ID, f.asJSON)
}

// printPlan shows a plan.
func (c *command) printPlan(p jobs.Plan) error {
	c.say("Plan %d: %s of %s, %d bytes in all.", p.ID, eventCount(p.Count), oneLine(p.Words), p.Bytes)
	if p.Count > 0 && !p.First.IsZero() {
		c.say("The oldest is of %s, the newest of %s.", shortTime(p.First), shortTime(p.Last))
	}
	for _, r := range p.Routes {
		if r.Route != "" {
			c.say("- route %s: %s", oneLine(r.Route), eventCount(r.Count))
		}
	}
	for _, l := range p.LeftOut {
		c.say("- left out: %s, %s", eventCount(l.Count), oneLine(l.Why))
	}
	if len(p.Sample) == 0 {
		return nil
	}
	c.say("A sample:")
	return c.targetTable(p.Sample)
}

func (c *command) targetTable(targets []jobs.Target) error {
	t := table{header: []string{"RECEIVED", "ROUTE", "SOURCE", "ACTION", "STATE", "ID", "WHY"}, wraps: []int{3, 5, 6}}
	for _, one := range targets {
		t.add(shortTime(one.Time), one.Route, one.Source, one.Action, string(one.State), one.ID, one.Why)
	}
	return c.printTable(t)
}

// eventCount returns a number of events in words.
func eventCount(n int) string {
	if n == 1 {
		return "1 event"
	}
	return fmt.Sprintf("%d events", n)
}

// watchPause is the time between two looks at a job.
const watchPause = 500 * time.Millisecond
