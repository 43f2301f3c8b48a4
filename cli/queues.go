package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
)

func (c *command) queues() *cobra.Command {
	var asJSON bool
	var address string
	cmd := &cobra.Command{
		Use:     "queues",
		GroupID: "look",
		Short:   "Show the number of events in each queue",
		Long: `Show the queues of the configuration, and those of routes that were removed from it, by role:

- work: events that wait for a worker
- external: events that wait for a program of yours; see docs/how-to/consume-with-your-own-program.md
- retry: failed events that wait for their next attempt
- dead: events that a route gave up on; see "hookline dead"
- unrouted: events that match no route; see "hookline unrouted"

It shows the routes that a person has paused; see "hookline routes". It also asks the processes on this machine, at their private
listeners, which routes they have paused by themselves because events fail, for which source, why, and when the next try is. Each
worker does that on its own: ask those on other machines with --url.`,
		Example: `  hookline queues
  hookline queues --url http://worker-2:9090`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withOperator(cmd, operatorTimeout, func(ctx context.Context, conf *config.Config, operator app.Operator) error {
				queues, err := operator.Queues(ctx)
				if err != nil {
					return err
				}
				paused, err := askPaused(ctx, address, conf.PrivateListen)
				if err != nil {
					return fmt.Errorf("no answer: %w (is a worker running, and is this its private_listen?)", err)
				}
				pauses, err := operator.Pauses(ctx)
				if err != nil {
					return err
				}
				paused = withPersons(paused, pauses)
				looking, cancel := context.WithTimeout(ctx, operatorTimeout/2)
				defer cancel()
				leftOver, unseen := operator.LeftOver(looking)
				queues = markLeftOver(append(queues, leftOver...), routeNames(conf))
				if asJSON {
					return c.json(withPaused(queues, paused))
				}
				if err := c.queueTable(queues); err != nil {
					return err
				}
				if unseen != nil {
					c.say("Queues of removed routes cannot be looked for: %v", unseen)
				}
				for _, p := range paused {
					c.say("%s", upperFirst(p.String()))
				}
				return nil
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().StringVar(&address, "url", "", "`URL` of a worker's private listener, http://HOST:PORT (default: private_listen of the configuration, and the ports after it)")
	return cmd
}

// askPaused asks the process at a URL for its paused sources, or without a URL every process of the configuration that runs on this
// machine.
func askPaused(ctx context.Context, url, listen string) (paused []app.PausedSource, err error) {
	if url != "" {
		return app.AskPaused(ctx, url)
	}
	for _, address := range app.NextAddresses(listen) {
		found, err := app.AskPaused(ctx, address)
		if err == nil {
			paused = append(paused, found...)
		}
	}
	return paused, nil
}

// withPersons puts the pauses of persons, as the broker has them, in the place of those that processes have told.
func withPersons(told []app.PausedSource, pauses map[string]broker.Pause) (paused []app.PausedSource) {
	for _, route := range slices.Sorted(maps.Keys(pauses)) {
		paused = append(paused, app.PausedByPerson(route, pauses[route]))
	}
	for _, p := range told {
		if !p.ByPerson() {
			paused = append(paused, p)
		}
	}
	return paused
}

// queueState is a queue with the pauses of its route.
type queueState struct {
	broker.QueueInfo
	Paused []app.PausedSource `json:"paused,omitempty"` // of work queues
}

func withPaused(queues []broker.QueueInfo, paused []app.PausedSource) []queueState {
	states := make([]queueState, len(queues))
	for i, q := range queues {
		states[i].QueueInfo = q
		for _, p := range paused {
			if q.Role == broker.RoleWork && q.Route == p.Route {
				states[i].Paused = append(states[i].Paused, p)
			}
		}
	}
	return states
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// markLeftOver marks the queues of routes that are not in the configuration.
func markLeftOver(queues []broker.QueueInfo, routes []string) []broker.QueueInfo {
	for i, q := range queues {
		queues[i].LeftOver = q.Route != "" && !slices.Contains(routes, q.Route)
	}
	return queues
}

func (c *command) queueTable(queues []broker.QueueInfo) error {
	t := table{header: []string{"ROLE", "ROUTE", "WAITING", "CONSUMERS", "QUEUE"}, wraps: []int{1, 4}}
	missing := false
	for _, q := range queues {
		waiting, consumers := strconv.Itoa(q.Waiting), strconv.Itoa(q.Consumers)
		if q.Consumers == broker.Unseen || q.Role != broker.RoleWork && q.Role != broker.RoleExternal {
			consumers = "-"
		}
		if q.Missing {
			waiting, consumers, missing = "missing", "-", true
		}
		t.add(string(q.Role), q.Route, waiting, consumers, q.Name)
	}
	if err := c.printTable(t); err != nil {
		return err
	}
	if missing {
		c.say("Receivers and workers declare missing queues when they connect; `hookline topology apply` declares them now.")
	}
	for _, q := range queues {
		if q.Role == broker.RoleExternal && q.Waiting > 0 && q.Consumers == 0 {
			c.say("No program consumes %s, so its %d events wait.", q.Name, q.Waiting)
		}
		if q.Role == broker.RoleWork && q.Waiting > 0 && q.LeftOver {
			c.say("Route %s is not in the configuration, so nobody handles its %d waiting events: add the route again until they are done,\nor move them by `hookline topology retire %s --to-unrouted`.", q.Route, q.Waiting, q.Route)
		}
	}
	return nil
}
