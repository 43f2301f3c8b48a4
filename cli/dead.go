package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
)

func (c *command) dead() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "dead",
		GroupID: "look",
		Short:   "List, replay and discard dead letters",
		Long: `A dead letter is an event that a route gave up on. It stays stored until you decide: "replay" puts it back into the
queue of its route as a new event, "discard" removes it for good. "list" and "show" change nothing.

The route @spool has the dead letters of a receiver's spool: events that were answered 200 while RabbitMQ was away, and that
RabbitMQ then refused for good. They are on the receiver's disk, so run the command there. "replay" publishes them again.`,
	}
	group(cmd)
	cmd.AddCommand(c.deadList(), c.deadGroupList(), c.deadShow(), c.deadReplay(), c.deadDiscard())
	return cmd
}

func (c *command) deadList() *cobra.Command {
	var l listing
	cmd := &cobra.Command{
		Use:   "list [ROUTE]",
		Short: "List dead letters, oldest first",
		Example: `  hookline dead list
  hookline dead list archive --limit 10
  hookline dead list --since 12h
  hookline dead list --group`,
		Args: args(cobra.MaximumNArgs(1)), ValidArgsFunction: c.completeRoutes,
		RunE: func(cmd *cobra.Command, given []string) error {
			return c.withOperator(cmd, browseTimeout, func(ctx context.Context, conf *config.Config, operator app.Operator) error {
				routes := given
				if len(given) == 0 {
					routes = routeNames(conf)
					if app.HasSpool(conf) {
						routes = append(routes, broker.Spool)
					}
				}
				if l.grouped {
					return c.deadGroups(ctx, conf, operator, routes, l)
				}
				letters, err := deadLetters(ctx, conf, operator, routes, l)
				switch {
				case err != nil && len(letters) == 0: // an empty list would say that there are none
					return err
				case l.asJSON:
					return errors.Join(c.json(letters), err)
				}
				t := table{header: []string{"ROUTE", "ID", "KEY", "DIED", "ATTEMPTS", "REASON", "LAST ERROR"}, wraps: []int{0, 2}}
				for _, d := range letters {
					t.add(d.Route, d.Event.ID, d.Event.Key(), shortTime(d.Died), strconv.Itoa(d.Attempts), d.Reason, d.LastError)
				}
				return errors.Join(c.printList(t, l.limit, "no dead letters"), err)
			})
		},
	}
	l.flags(cmd, "only events that died", "count the dead letters by reason and first error, apart from numbers and IDs in it")
	return cmd
}

// deadGroups prints the groups of the routes' dead letters.
func (c *command) deadGroups(ctx context.Context, conf *config.Config, operator app.Operator, routes []string, l listing) error {
	groups := []undeliveredGroup{}
	var errs []error
	for _, route := range routes {
		found, err := groupUndelivered(ctx, operator, route, l.since)
		groups = append(groups, found...)
		err = knownRoute(conf, route, len(found) > 0, err)
		errs = append(errs, err)
		if err != nil && !errors.Is(err, broker.ErrNoQueue) {
			break
		}
	}
	groups, err := groups[:min(len(groups), l.limit)], errors.Join(errs...)
	switch {
	case err != nil && len(groups) == 0:
		return err
	case l.asJSON:
		return errors.Join(c.json(groups), err)
	}
	t := table{header: []string{"ROUTE", "REASON", "COUNT", "OLDEST", "NEWEST", "FIRST ERROR"}, wraps: []int{0}}
	for _, g := range groups {
		t.add(append(append([]string{g.Route, g.Reason}, g.cells()...), g.FirstError)...)
	}
	return errors.Join(c.printList(t, l.limit, "no dead letters"), err)
}

// deadLetters returns the first dead letters of the routes since a time, a limited number. A route without a queue is an error, and the others are
// still read.
func deadLetters(ctx context.Context, conf *config.Config, operator app.Operator, routes []string, l listing) ([]broker.UndeliveredEvent, error) {
	letters := []broker.UndeliveredEvent{} // not nil, which would be null in JSON
	var errs []error
	for _, route := range routes {
		if len(letters) == l.limit {
			break
		}
		found, err := listUndeliveredSince(ctx, operator, route, l.since, l.limit-len(letters))
		letters = append(letters, found...)
		err = knownRoute(conf, route, len(found) > 0, err)
		errs = append(errs, err)
		if err != nil && !errors.Is(err, broker.ErrNoQueue) {
			break
		}
	}
	return letters, errors.Join(errs...)
}

func (c *command) deadShow() *cobra.Command {
	var o choice
	var body bool
	cmd := &cobra.Command{
		Use:   "show ROUTE ID",
		Short: "Show one dead letter as JSON",
		Long:  `Show one dead letter as JSON: the reason, the attempts, the errors, and the event with its body in data_base64.`,
		Example: `  hookline dead show archive ID
  hookline dead show archive ID --body | jq .`,
		Args: args(cobra.ExactArgs(2)), ValidArgsFunction: c.completeRoutes,
		RunE: func(cmd *cobra.Command, given []string) error {
			route, id := given[0], given[1]
			return c.withOperator(cmd, browseTimeout, func(ctx context.Context, conf *config.Config, operator app.Operator) error {
				found, err := operator.Get(ctx, route, id)
				if err := knownRoute(conf, route, len(found) > 0, err); err != nil {
					return err
				}
				if found = o.filter(found); len(found) == 0 {
					return fmt.Errorf("route %s has no such dead letter with the ID %s; `hookline dead list %s` lists its dead letters", route, id, route)
				}
				return c.show(&o, id, found, body, func(u broker.UndeliveredEvent) any { return &u })
			})
		},
	}
	o.namingFlags(cmd)
	bodyFlag(cmd, &body)
	return cmd
}

func (c *command) deadReplay() *cobra.Command {
	return c.deadChange("replay", "replayed", "Put dead letters back into the queue of their route", app.Operator.Replay)
}

func (c *command) deadDiscard() *cobra.Command {
	return c.deadChange("discard", "discarded", "Remove dead letters for good", app.Operator.Discard)
}

func (c *command) deadChange(verb, done, short string, do change) *cobra.Command {
	var o choice
	var ask *confirmation
	cmd := &cobra.Command{
		Use:     verb + " ROUTE (ID... | --all)",
		Short:   short,
		Example: fmt.Sprintf("  hookline dead %[1]s archive ID\n  hookline dead %[1]s archive --all", verb),
		Args:    args(cobra.MinimumNArgs(1)), ValidArgsFunction: c.completeRoutes,
		RunE: func(cmd *cobra.Command, given []string) error {
			route, ids := given[0], given[1:]
			err := o.check(ids)
			if err == nil && o.all && ask != nil {
				err = ask.check()
			}
			if err != nil {
				return err
			}
			return c.withOperator(cmd, browseTimeout, func(ctx context.Context, conf *config.Config, operator app.Operator) error {
				if verb == "replay" && route != broker.Spool && !slices.Contains(routeNames(conf), route) {
					return usage(fmt.Errorf("route %s is not in the configuration, so nobody would handle its events; add the route again first, or remove its dead letters with `hookline dead discard %s`", route, route))
				}
				if o.all && ask != nil {
					if err := ask.discardAll(ctx, operator, route, "dead letters of route "+route); err != nil {
						return knownRoute(conf, route, false, err)
					}
				}
				n, err := do.apply(ctx, operator, route, ids, &o)
				err = n.progress(ctx, done, knownRoute(conf, route, n.seen > 0, err))
				if n.picked > 0 || err == nil && o.all {
					c.say("%s %d of route %s", done, n.done, route)
				}
				if err == nil && n.unknown > 0 {
					err = fmt.Errorf("%d of the %d IDs belong to no dead letter; `hookline dead list %s` lists the dead letters", n.unknown, len(ids), route)
				}
				return err
			})
		},
	}
	o.changeFlags(cmd, "dead letters of the route")
	if verb == "discard" {
		ask = c.confirmation(cmd)
	}
	return cmd
}
