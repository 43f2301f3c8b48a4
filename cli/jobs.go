package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/console/api"
	"github.com/hookline/hookline/console/client"
	"github.com/hookline/hookline/console/jobs"
)

func (c *command) jobs() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "jobs",
		GroupID: "look",
		Short:   "Show, pause, resume and stop jobs",
		Long: `A job does a bulk action in the running process: it replays or discards the events of a plan, one by one, and goes on over
restarts. "hookline replay" and the pages of the console begin one.`,
	}
	group(cmd)
	cmd.AddCommand(c.jobsList(), c.jobsShow(),
		c.jobsSwitch("pause", "Let a job wait until you resume it"), c.jobsSwitch("resume", "Go on with a paused job"),
		c.jobsSwitch("stop", "End a job; events that have had no turn stay as they are"))
	return cmd
}

func (c *command) jobsList() *cobra.Command {
	var at consoleFlags
	var limit int
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List jobs, newest first",
		Example: "  hookline jobs list",
		Args:    args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withConsole(cmd, at, "", func(ctx context.Context, running *client.Client) error {
				var page api.JobPage
				if err := running.Get(ctx, "jobs", url.Values{"limit": {strconv.Itoa(min(limit, maxEventPage))}}, &page); err != nil {
					return err
				}
				if asJSON {
					return c.json(page.Jobs)
				}
				t := table{header: []string{"JOB", "STARTED", "STATE", "ACTION", "TOTAL", "DONE", "FAILED", "WAITING", "SKIPPED", "LEFT", "EVENTS", "BY"}, wraps: []int{10, 11}}
				for _, j := range page.Jobs {
					n := j.Counts
					t.add(strconv.FormatInt(j.ID, 10), shortTime(j.Started), string(j.State), string(j.Plan.Action), strconv.Itoa(n.Total), strconv.Itoa(n.Done),
						strconv.Itoa(n.FailedAgain), strconv.Itoa(n.Waiting), strconv.Itoa(n.Skipped), strconv.Itoa(n.Left), j.Plan.Words, j.By)
				}
				return c.printList(t, limit, "There was no job yet; `hookline replay` begins one.")
			})
		},
	}
	limitFlag(cmd, &limit)
	jsonFlag(cmd, &asJSON)
	at.flags(cmd)
	return cmd
}

func (c *command) jobsShow() *cobra.Command {
	var at consoleFlags
	var follow, asJSON bool
	cmd := &cobra.Command{
		Use:   "show JOB",
		Short: "Show a job, and the events that it did not bring to their end",
		Example: `  hookline jobs show 12
  hookline jobs show 12 --follow`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			id, err := jobNumber(given[0])
			if err != nil {
				return err
			}
			return c.withConsole(cmd, at, "", func(ctx context.Context, running *client.Client) error {
				if follow {
					return c.watchJob(ctx, running, id, asJSON)
				}
				return c.showJob(ctx, running, id, asJSON)
			})
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "show the progress until the job ends or pauses")
	jsonFlag(cmd, &asJSON)
	at.flags(cmd)
	return cmd
}

// shownTargets is the number of events of a job that failed or were skipped that are shown.
const shownTargets = 10

func (c *command) showJob(ctx context.Context, running *client.Client, id int64, asJSON bool) error {
	var j jobs.Job
	path := "jobs/" + strconv.FormatInt(id, 10)
	if err := running.Get(ctx, path, nil, &j); err != nil {
		return err
	}
	if asJSON {
		return c.json(j)
	}
	c.say("Job %d by %s: %s of %s", j.ID, oneLine(j.By), j.Plan.Action, oneLine(j.Plan.Words))
	if j.Why != "" {
		c.say("Why: %s", oneLine(j.Why))
	}
	c.say("%s", jobLine(j))
	for _, text := range []string{j.Result, j.Problem} {
		if text != "" {
			c.say("%s", upperFirst(oneLine(text)))
		}
	}
	for _, state := range []jobs.TargetState{jobs.FailedAgain, jobs.Skipped} {
		var page api.TargetPage
		if err := running.Get(ctx, path+"/targets", url.Values{"state": {string(state)}, "limit": {strconv.Itoa(shownTargets)}}, &page); err != nil {
			return err
		}
		if len(page.Targets) == 0 {
			continue
		}
		if err := c.targetTable(page.Targets); err != nil {
			return err
		}
		if page.Next != "" {
			c.say("(the first %d; the API and the console have all)", shownTargets)
		}
	}
	return nil
}

// jobLine is the state of a job with its numbers, which add up.
func jobLine(j jobs.Job) string {
	n := j.Counts
	line := fmt.Sprintf("%s: %d of %d done, %d failed again, %d waiting, %d skipped, %d left", j.State, n.Done, n.Total, n.FailedAgain, n.Waiting, n.Skipped, n.Left)
	if j.Proof {
		line += fmt.Sprintf("; proof, step %d of 3", j.Stage.Number)
	}
	if j.NewFailures > 0 {
		line += fmt.Sprintf("; %d new failures of other events since it began", j.NewFailures)
	}
	return line
}

func (c *command) jobsSwitch(verb, short string) *cobra.Command {
	var at consoleFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:     verb + " JOB",
		Short:   short,
		Example: "  hookline jobs " + verb + " 12",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			id, err := jobNumber(given[0])
			if err != nil {
				return err
			}
			return c.withConsole(cmd, at, "", func(ctx context.Context, running *client.Client) error {
				var j jobs.Job
				if err := running.Post(ctx, fmt.Sprintf("jobs/%d/%s", id, verb), struct{}{}, &j); err != nil {
					return err
				}
				if asJSON {
					return c.json(j)
				}
				c.say("Job %d is %s", id, jobLine(j))
				return nil
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	at.flags(cmd)
	return cmd
}

func jobNumber(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return 0, usage(fmt.Errorf("%q is no number of a job; `hookline jobs list` shows them", text))
	}
	return id, nil
}

// watchJob shows the progress of a job until it ends or pauses: on a terminal in one line, else a line for each state and step. It returns an
// exitError if an event failed again, or the job was stopped.
func (c *command) watchJob(ctx context.Context, running *client.Client, id int64, asJSON bool) error {
	tick := time.NewTicker(watchPause)
	defer tick.Stop()
	show := c.progressLine(asJSON)
	for {
		var j jobs.Job
		err := running.Get(ctx, "jobs/"+strconv.FormatInt(id, 10), nil, &j)
		switch {
		case ctx.Err() != nil:
			return c.leaveJob(id)
		case errors.Is(err, client.ErrAway):
			return fmt.Errorf("%w\nThe job goes on when Hookline runs again: `hookline jobs show %d --follow` shows it", err, id)
		case err != nil:
			return err
		}
		if ended := j.State != jobs.Running && j.Counts.Waiting == 0 || j.State == jobs.Paused; ended {
			show(j, true)
			return c.jobEnd(j, asJSON)
		}
		show(j, false)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return c.leaveJob(id)
		}
	}
}

// leaveJob says that a job goes on without the command.
func (c *command) leaveJob(id int64) error {
	return exitError{ExitInterrupted, fmt.Errorf("job %d goes on; `hookline jobs show %[1]d --follow` shows it, `hookline jobs stop %[1]d` ends it", id)}
}

// progressLine returns a function that shows a job's progress.
func (c *command) progressLine(asJSON bool) func(j jobs.Job, end bool) {
	terminal, last := app.Terminal(c.stderr), ""
	return func(j jobs.Job, end bool) {
		line := jobLine(j)
		switch {
		case asJSON:
		case terminal != nil:
			_, _ = io.WriteString(terminal, "\r\x1b[K"+shorten(oneLine(line), max(columns(terminal)-1, minCut)))
			if end {
				_, _ = io.WriteString(terminal, "\n")
			}
		case end || last != fmt.Sprint(j.State, j.Stage.Number):
			fmt.Fprintln(c.stderr, line)
		}
		last = fmt.Sprint(j.State, j.Stage.Number)
	}
}

// jobEnd says how a job ended.
func (c *command) jobEnd(j jobs.Job, asJSON bool) error {
	if asJSON {
		if err := c.json(j); err != nil {
			return err
		}
	} else if j.Result != "" {
		c.say("Job %d: %s", j.ID, oneLine(j.Result))
	}
	if j.State == jobs.Finished && j.Counts.FailedAgain == 0 {
		return nil
	}
	return exitError{ExitFailed, fmt.Errorf("job %d: %s; `hookline jobs show %[1]d` shows the events", j.ID, jobLine(j))}
}
