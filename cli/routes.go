package cli

import (
	"cmp"
	"context"
	"errors"
	"os/user"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
)

// routeState is a route of the configuration, as `hookline routes` shows it.
type routeState struct {
	Route     string        `json:"route"`
	Match     []string      `json:"match"`
	Waiting   int           `json:"waiting"`
	Consumers int           `json:"consumers"` // worker processes that consume it, or broker.Unseen
	External  bool          `json:"external,omitempty"`
	Paused    *broker.Pause `json:"paused_by_person,omitempty"`
}

func (c *command) routes() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "routes",
		GroupID: "look",
		Short:   "List the routes, pause and resume them",
		Long: `List the routes of the configuration, with their waiting events, and with the pauses by persons.

A paused route takes no events: they wait in its queue. The other routes go on. The pause is stored on the broker, and lasts over
restarts of all processes until somebody resumes the route.`,
		Example: `  hookline routes
  hookline routes pause archive --why "the disk of the archive is full"
  hookline routes resume archive`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withOperator(cmd, operatorTimeout, func(ctx context.Context, conf *config.Config, operator app.Operator) error {
				states, err := routeStates(ctx, conf, operator)
				if err != nil {
					return err
				}
				if asJSON {
					return c.json(states)
				}
				return c.routeTable(states)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.AddCommand(c.routesPause(), c.routesResume())
	return cmd
}

func routeStates(ctx context.Context, conf *config.Config, operator app.Operator) ([]routeState, error) {
	queues, err := operator.Queues(ctx)
	if err != nil {
		return nil, err
	}
	pauses, err := operator.Pauses(ctx)
	if err != nil {
		return nil, err
	}
	states := []routeState{}
	for _, r := range conf.Routes.Broker() {
		state := routeState{Route: r.Name, Match: r.Match, External: r.External, Consumers: broker.Unseen}
		for _, q := range queues {
			if q.Route == r.Name && (q.Role == broker.RoleWork || q.Role == broker.RoleExternal) {
				state.Waiting, state.Consumers = q.Waiting, q.Consumers
			}
		}
		if p, paused := pauses[r.Name]; paused {
			state.Paused = &p
		}
		states = append(states, state)
	}
	return states, nil
}

func (c *command) routeTable(states []routeState) error {
	t := table{header: []string{"ROUTE", "WAITING", "CONSUMERS", "PAUSED SINCE", "BY", "BECAUSE"}, wraps: []int{0, 4, 5}}
	for _, s := range states {
		consumers := strconv.Itoa(s.Consumers)
		if s.Consumers == broker.Unseen {
			consumers = "-"
		}
		since, by, why := "", "", ""
		if s.Paused != nil {
			since, by, why = s.Paused.Since.Local().Format(time.DateTime), oneLine(s.Paused.By), oneLine(s.Paused.Why)
		}
		t.add(s.Route, strconv.Itoa(s.Waiting), consumers, since, by, why)
	}
	return c.printTable(t)
}

func (c *command) routesPause() *cobra.Command {
	var p broker.Pause
	cmd := &cobra.Command{
		Use:   "pause ROUTE",
		Short: "Let no worker take events of a route",
		Long: `Pause a route, until somebody resumes it. Every worker obeys within seconds, on each machine, and after each restart: running
handlers end, and no other begins. New events are stored and wait. Nothing is lost, and nothing counts as an attempt.

The pause and its reason are shown by "hookline routes", "queues" and "health".`,
		Example: `  hookline routes pause archive --why "the disk of the archive is full"`,
		Args:    args(cobra.ExactArgs(1)), ValidArgsFunction: c.completeRoutes,
		RunE: func(cmd *cobra.Command, given []string) error {
			route := given[0]
			if p.Why == "" {
				return usage(errors.New("--why is missing: say for the others why the route is paused"))
			}
			if err := p.Check(); err != nil {
				return usage(err)
			}
			return c.withOperator(cmd, operatorTimeout, func(ctx context.Context, conf *config.Config, operator app.Operator) error {
				if err := knownRoute(conf, route, false, nil); err != nil {
					return err
				}
				if err := operator.Pause(ctx, route, p); err != nil {
					return err
				}
				c.say("route %s is paused; its events wait until `hookline routes resume %s`", route, route)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&p.Why, "why", "", "the reason, for others: a `TEXT`")
	byFlag(cmd, &p.By)
	return cmd
}

func (c *command) routesResume() *cobra.Command {
	var p broker.Pause
	cmd := &cobra.Command{
		Use:   "resume ROUTE",
		Short: "End the pause of a route",
		Long: `End the pause of a route by a person: workers take its events again. This does not end a pause that a worker made by itself because
events fail: the worker tries one now and then.`,
		Example: "  hookline routes resume archive",
		Args:    args(cobra.ExactArgs(1)), ValidArgsFunction: c.completeRoutes,
		RunE: func(cmd *cobra.Command, given []string) error {
			route := given[0]
			if err := p.Check(); err != nil {
				return usage(err)
			}
			return c.withOperator(cmd, operatorTimeout, func(ctx context.Context, conf *config.Config, operator app.Operator) error {
				pauses, err := operator.Pauses(ctx)
				if err != nil {
					return err
				}
				before, paused := pauses[route]
				if !paused {
					c.say("nobody has paused route %s", route)
					return knownRoute(conf, route, false, nil)
				}
				if err := operator.Resume(ctx, route, p); err != nil {
					return err
				}
				c.say("route %s is resumed; it was paused since %s, because: %s", route, before.Since.Local().Format(time.DateTime), oneLine(before.Why))
				return nil
			})
		},
	}
	byFlag(cmd, &p.By)
	return cmd
}

// byFlag adds the flag for the name of a person. Its default is the user of this process.
func byFlag(cmd *cobra.Command, by *string) {
	cmd.Flags().StringVar(by, "by", "", "your `NAME`, for others (default: the user who runs the command)")
	cmd.PreRun = func(*cobra.Command, []string) {
		if *by != "" {
			return
		}
		if u, err := user.Current(); err == nil {
			*by = cmp.Or(u.Name, u.Username)
		}
	}
}
