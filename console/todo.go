package console

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
)

// todo is a thing that needs a person.
type todo struct {
	State  string // its shape and colour
	Title  string
	Detail string
	To     string // path of a page; empty: none
	Action string // on the button
}

// todo lists the things that need a person, the most urgent first.
func (c *Console) todo(a broker.Audit, paused []PausedSource) (all []todo) {
	for _, r := range a.Routes {
		if r.Unaccounted > 0 {
			all = append(all, todo{"dead", many(r.Unaccounted, "event") + " of " + routeName(r.Route) + " cannot be found",
				"They were stored, and are neither there nor finished. `hookline audit` has the numbers.", "/routes#accounts", "See the accounts"})
		}
	}
	for _, s := range a.Spools {
		if s.Unaccounted > 0 {
			all = append(all, todo{"dead", many(s.Unaccounted, "event") + " of the spool " + s.Spool + " cannot be found", "They were answered 200. Look for the file of that receiver's spool.", "", ""})
		}
		if s.SilentSince != nil {
			all = append(all, todo{"dead", many(s.Present, "event") + " in the spool of a receiver that is silent",
				fmt.Sprintf("Receiver %s has said nothing since %s. Start it again: it hands them on by itself.", s.Spool, c.clock(*s.SilentSince)), "", ""})
		}
	}
	for _, risk := range a.AtRisk {
		all = append(all, todo{"dead", "Queue " + risk.Queue + " can lose events", risk.Advice, "", ""})
	}
	all = append(all, c.deadTodo(a)...)
	for _, p := range paused {
		detail := "Its latest events failed: " + p.Error + "."
		if !p.Next.IsZero() {
			detail += " The next try is at " + c.clock(p.Next) + "."
		}
		all = append(all, todo{"paused", "Route " + p.Route + " has paused itself for " + p.Source, detail, "/routes", "Open the route"})
	}
	return append(all, c.strayTodo(a)...)
}

// deadTodo lists the routes with dead letters, the one with most first.
func (c *Console) deadTodo(a broker.Audit) (all []todo) {
	routes := slices.DeleteFunc(slices.Clone(a.Routes), func(r broker.RouteAudit) bool { return r.Dead == 0 })
	slices.SortStableFunc(routes, func(x, y broker.RouteAudit) int { return int(y.Dead - x.Dead) })
	for _, r := range routes {
		detail := "They are kept until somebody replays or discards them."
		if r.Retrying > 0 {
			detail += " " + number(r.Retrying) + " more are still being tried."
		}
		all = append(all, todo{"dead", many(r.Dead, "event") + " of " + routeName(r.Route) + " failed for good", detail, "/failures?route=" + escapeQuery(r.Route), "Look at the cause"})
	}
	return all
}

// strayTodo lists events without a route, and left-overs of changes of the configuration.
func (c *Console) strayTodo(a broker.Audit) (all []todo) {
	if n := sumOf(a).Unrouted; n > 0 {
		all = append(all, todo{"unrouted", many(n, "event") + " stored that no route wants", "They are kept until a route takes them.", "/unrouted", "Give them a route"})
	}
	for _, r := range a.Routes {
		if r.LeftOver && r.Waiting > 0 {
			all = append(all, todo{"unknown", many(r.Waiting, "event") + " of a route that was removed", "Route " + r.Route + " is not in the configuration, so nobody handles them: add it again, or move them by `hookline topology retire " + r.Route + "`.", "", ""})
		}
	}
	for _, q := range a.Undeclared {
		all = append(all, todo{"unknown", "Queue " + q.Queue + " is in no configuration", "Somebody bound it to " + strings.Join(q.Patterns, ", ") + " by hand.", "", ""})
	}
	if a.Anew != "" {
		all = append(all, todo{"unknown", "Counting began anew", "Losses before " + c.clock(a.Since) + " are unknown: " + a.Anew + ". `hookline audit --acknowledge` takes note of it.", "", ""})
	}
	if a.Newer > 0 {
		all = append(all, todo{"unknown", "The numbers are incomplete", "The ledger has notes of a newer Hookline: upgrade this one.", "", ""})
	}
	return all
}

func routeName(route string) string {
	switch route {
	case broker.Unrouted:
		return "no route"
	case broker.Spool:
		return "the spool"
	}
	return route
}

// paused returns the routes that have paused themselves. Pages without an answer show none.
func (c *Console) paused(ctx context.Context) []PausedSource {
	if c.parts.Pausing == nil {
		return nil
	}
	paused, err := c.parts.Pausing.Paused(ctx)
	if err != nil {
		c.log.Debug("the console does not know which routes pause", zap.Error(err))
	}
	return paused
}
