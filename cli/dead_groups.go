package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/console/api"
	"github.com/hookline/hookline/console/client"
	"github.com/hookline/hookline/console/jobs"
)

func (c *command) deadGroupList() *cobra.Command {
	var at consoleFlags
	var since time.Time
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "groups [ROUTE]",
		Short: "Group failures by their cause",
		Long: `Group the events that failed by route and cause: errors that differ only by numbers and IDs are alike. It asks the running
process by the API of its console, which also has the events that wait for another attempt, and knows whether a group still
grows. Without a console it groups the dead letters of the broker, and says so.

PATTERN is the value for "hookline replay --cause".`,
		Example: `  hookline dead groups
  hookline dead groups exports --since 24h`,
		Args: args(cobra.MaximumNArgs(1)), ValidArgsFunction: c.completeRoutes,
		RunE: func(cmd *cobra.Command, given []string) error {
			route := ""
			if len(given) > 0 {
				route = given[0]
			}
			groups, err := c.askGroups(cmd.Context(), at, route, since)
			if errors.Is(err, client.ErrAway) && at.url == "" {
				fmt.Fprintln(c.stderr, "hookline: no console answers, so these are the dead letters of the broker, without failing events")
				groups, err = c.brokerGroups(cmd, route, since)
			}
			if err != nil && len(groups) == 0 {
				return nobodyAnswers(err, "")
			}
			if asJSON {
				return errors.Join(c.json(groups), err)
			}
			return errors.Join(c.groupTable(groups), err)
		},
	}
	sinceFlag(cmd, &since, "only groups with a failure")
	jsonFlag(cmd, &asJSON)
	at.flags(cmd)
	return cmd
}

// askGroups asks the running process.
func (c *command) askGroups(ctx context.Context, at consoleFlags, route string, since time.Time) ([]api.Group, error) {
	running, err := c.console(at)
	if err != nil {
		return nil, err
	}
	q := url.Values{}
	if route != "" {
		q.Set("route", route)
	}
	if !since.IsZero() {
		q.Set("from", since.Format(time.RFC3339))
	}
	answer := api.Failures{Groups: []api.Group{}}
	err = running.Get(ctx, "failures", q, &answer)
	return answer.Groups, err
}

// brokerGroups groups the dead letters of the broker.
func (c *command) brokerGroups(cmd *cobra.Command, route string, since time.Time) ([]api.Group, error) {
	groups := []api.Group{} // not nil, which would be null in JSON
	err := c.withOperator(cmd, browseTimeout, func(ctx context.Context, conf *config.Config, operator app.Operator) error {
		routes := routeNames(conf)
		if route != "" {
			routes = []string{route}
		}
		var errs []error
		for _, name := range routes {
			found, err := groupUndelivered(ctx, operator, name, since)
			errs = append(errs, knownRoute(conf, name, len(found) > 0, err))
			for _, g := range found {
				groups = append(groups, api.Group{
					Route: g.Route, Pattern: jobs.CauseOf(g.FirstError, g.Reason), Dead: int64(g.Count), Joined: int64(g.Count), First: g.Oldest, Last: g.Newest, Reason: g.Reason, Error: g.FirstError,
				})
			}
		}
		return errors.Join(errs...)
	})
	return groups, err
}

func (c *command) groupTable(groups []api.Group) error {
	t := table{header: []string{"ROUTE", "REASON", "DEAD", "FAILING", "FIRST", "LAST", "GROWS", "PATTERN"}, wraps: []int{0, 7}}
	for _, g := range groups {
		grows := ""
		if g.Growing {
			grows = "yes"
		}
		t.add(g.Route, g.Reason, strconv.FormatInt(g.Dead, 10), strconv.FormatInt(g.Failing, 10), shortTime(g.First), shortTime(g.Last), grows, g.Pattern)
	}
	if len(groups) == 0 {
		c.say("no failures")
		return nil
	}
	return c.printTable(t)
}
