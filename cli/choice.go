package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// choice chooses undelivered events by ID, or all. An event is named by its source, action and ID. So several events can have one ID,
// and then the flags choose among them.
type choice struct {
	all, allWithID bool
	source, action string
}

// namingFlags adds the flags that choose among several events with one ID.
func (o *choice) namingFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.source, "source", "", "only events of the source with this `NAME`")
	cmd.Flags().StringVar(&o.action, "action", "", "only events with this `ACTION`")
	cmd.Flags().BoolVar(&o.allWithID, "all-with-id", false, "take every event with the ID, if several have it")
}

// changeFlags adds the flags of a command that changes events.
func (o *choice) changeFlags(cmd *cobra.Command, of string) {
	cmd.Flags().BoolVar(&o.all, "all", false, "select all "+of)
	o.namingFlags(cmd)
}

func (o *choice) check(ids []string) error {
	switch {
	case o.all == (len(ids) > 0):
		return usage(errors.New("give either IDs or --all"))
	case o.all && o.allWithID:
		return usage(errors.New("--all-with-id chooses among events with one ID: leave it out with --all"))
	}
	return nil
}

// matches reports whether an event has the source and the action of the flags.
func (o *choice) matches(e event.Event) bool {
	return (o.source == "" || e.Source == o.source) && (o.action == "" || e.Action == o.action)
}

// pick returns the function that picks the chosen events of a route, and counts the events that it has seen and the unknown IDs. An ID
// that several events have is an error that lists them.
func (o *choice) pick(ctx context.Context, operator app.Operator, route string, ids []string) (pick func(broker.UndeliveredEvent) bool, n changed, err error) {
	if o.all {
		return func(u broker.UndeliveredEvent) bool { return o.matches(u.Event) }, n, nil
	}
	found := map[string][]broker.UndeliveredEvent{}
	err = operator.Each(ctx, route, func(u broker.UndeliveredEvent) bool {
		n.seen++
		if slices.Contains(ids, u.Event.ID) && o.matches(u.Event) {
			u.Event.Data = nil
			found[u.Event.ID] = append(found[u.Event.ID], u)
		}
		return true
	})
	if err != nil {
		return nil, n, err
	}
	chosen := map[broker.Fingerprint]bool{}
	for _, id := range ids {
		if len(found[id]) == 0 {
			n.unknown++
		}
		if err := o.one(id, found[id]); err != nil {
			return nil, n, err
		}
		for _, u := range found[id] {
			chosen[broker.FingerprintOf(u.Event)] = true
		}
	}
	return func(u broker.UndeliveredEvent) bool { return chosen[broker.FingerprintOf(u.Event)] }, n, nil
}

// one returns an error that lists the events if several have the ID, unless all of them are chosen. Copies of one event are one.
func (o *choice) one(id string, found []broker.UndeliveredEvent) error {
	names := map[broker.Fingerprint]bool{}
	var list strings.Builder
	for _, u := range found {
		name := broker.FingerprintOf(u.Event)
		if !names[name] {
			fmt.Fprintf(&list, "\n  --source %s --action %s   received %s", oneLine(u.Event.Source), oneLine(u.Event.Action), u.Event.Time.Local().Format(time.DateTime))
		}
		names[name] = true
	}
	if len(names) < 2 || o.allWithID {
		return nil
	}
	return usage(fmt.Errorf("%d events have the ID %s:%s\nChoose one by these flags, or take all by --all-with-id", len(names), oneLine(id), list.String()))
}

// filter returns the events that the flags match.
func (o *choice) filter(found []broker.UndeliveredEvent) []broker.UndeliveredEvent {
	return slices.DeleteFunc(found, func(u broker.UndeliveredEvent) bool { return !o.matches(u.Event) })
}

func bodyFlag(cmd *cobra.Command, into *bool) {
	cmd.Flags().BoolVar(into, "body", false, "print only the body, as it was received")
}

// show prints the first of the found events with an ID, or each one with --all-with-id. form returns the printed part of an event.
func (c *command) show(o *choice, id string, found []broker.UndeliveredEvent, body bool, form func(broker.UndeliveredEvent) any) error {
	if err := o.one(id, found); err != nil {
		return err
	}
	if !o.allWithID {
		found = found[:1]
	}
	for _, u := range found {
		write := func() error { return c.json(form(u)) }
		if body {
			write = func() error { return c.printBody(u.Event) }
		}
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}
