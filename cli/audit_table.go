package cli

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/broker"
)

// auditTable fits into 80 columns with names of up to 14 characters.
func (c *command) auditTable(a broker.Audit, elsewhere *app.Elsewhere) error {
	if err := c.printTable(sourceTable(a.Sources)); err != nil {
		return err
	}
	fmt.Fprintln(c.stdout)
	if err := c.printTable(routeTable(a.Routes)); err != nil {
		return err
	}
	if err := c.spools(a.Spools); err != nil {
		return err
	}
	c.say("\nCounted since %s.", a.Since.Local().Format(time.DateTime))
	if a.Anew != "" {
		c.say("Counting began anew then: %s.\nEvents from before are not in the balance. When you have looked into it: `hookline audit --acknowledge`.", a.Anew)
	}
	if a.Newer > 0 {
		c.say("%d notes of a newer Hookline were not understood: update this process; the balance is incomplete.", a.Newer)
	}
	for _, s := range a.Sources {
		if len(s.Rejected) > 0 {
			c.say("Rejected from %s: %s.", s.Source, reasons(s))
		}
	}
	for _, r := range a.Routes {
		if r.Extra > 0 {
			c.say("%s finished %d more events than it accepted: some were handled twice, stored without the answer 200, or stored by a receiver that does not know the route.", routeName(r), r.Extra)
		}
		if r.Unkeyed > 0 {
			c.say("%d open events of %s were not checked one by one, because too many are open:\none that was handled twice can hide a loss among them.", r.Unkeyed, routeName(r))
		}
		if r.Uncounted > 0 {
			c.say("%s finished %d events that no receiver counted for it: the receiver does not know this route yet, or counting began later.", routeName(r), r.Uncounted)
		}
	}
	for _, r := range a.Routes {
		if r.External {
			c.say("Route %s is external: %d events were taken by a consumer of your own.", r.Route, r.Taken)
		}
	}
	for _, line := range append(misplaced(a.Routes), undeclared(a)...) {
		c.say("%s", line)
	}
	if n := queuesAtRisk(a); n > 0 {
		c.say("%d queues can lose events: `hookline topology plan` says why.", n)
	}
	if a.Unaccounted != 0 || elsewhere == nil {
		c.say("%s", auditSummary(a))
	}
	return nil
}

// queuesAtRisk counts the queues that can lose events.
func queuesAtRisk(a broker.Audit) int {
	names := map[string]bool{}
	for _, q := range a.AtRisk {
		names[q.Queue] = true
	}
	return len(names)
}

// countTable is a table of numbers behind a name, with a small gap. Long names wrap.
func countTable(header ...string) table { return table{header: header, wraps: []int{0}, gap: 1} }

func (t *table) addCounts(name string, counts ...int64) {
	cells := []string{name}
	for _, n := range counts {
		cells = append(cells, strconv.FormatInt(n, 10))
	}
	t.add(cells...)
}

func sourceTable(sources []broker.SourceAudit) table {
	t := countTable("SOURCE", "RECEIVED", "REJECTED", "DUPLICATE", "SPOOLED", "ACCEPTED", "UNROUTED")
	for _, s := range sources {
		t.addCounts(s.Source, s.Received, rejected(s), s.Duplicate, s.Spooled, s.Accepted, s.Unrouted)
	}
	return t
}

func routeTable(routes []broker.RouteAudit) table {
	t := countTable("ROUTE", "ACCEPTED", "WAITING", "RUNNING", "RETRYING", "DONE", "DEAD", "DISCARDED", "UNACCOUNTED")
	for _, r := range routes {
		t.addCounts(routeName(r), r.Accepted, r.Waiting, r.Running, r.Retrying, r.Done, r.Dead, r.Discarded, r.Unaccounted)
	}
	return t
}

// misplaced says which events are in a queue in which the ledger does not have them.
func misplaced(routes []broker.RouteAudit) (lines []string) {
	for _, r := range routes {
		if r.LeftOver {
			lines = append(lines, fmt.Sprintf("Route %s is not in the configuration, and has %d events: see `hookline topology retire`.",
				r.Route, r.Waiting+r.Running+r.Retrying+r.Dead+r.Surplus))
		}
		if r.InUnrouted > 0 {
			lines = append(lines, fmt.Sprintf("%d events of %s are among the unrouted, because a binding was missing: `hookline unrouted replay --all` gives them to their routes.", r.InUnrouted, routeName(r)))
		}
		if r.Surplus > 0 {
			lines = append(lines, fmt.Sprintf("%s has %d more events in its queues than it accepted: stored twice, published by another program, or taken by a pattern that is bound and not configured.", routeName(r), r.Surplus))
		}
	}
	return lines
}

// undeclared names the queues that somebody has bound by hand, and their events. Without the management API it says that there may be some.
func undeclared(a broker.Audit) (lines []string) {
	for _, q := range a.Undeclared {
		lines = append(lines, fmt.Sprintf("Queue %s is bound to the events by %s, and no configuration declares it: declare an external route instead.", q.Queue, strings.Join(q.Patterns, ", ")))
	}
	for _, r := range a.Routes {
		switch {
		case r.Undeclared > 0:
			lines = append(lines, fmt.Sprintf("%d events of %s are in a queue that no configuration declares.", r.Undeclared, routeName(r)))
		case r.Route == broker.Unrouted && r.Unaccounted > 0 && len(a.Undeclared) == 0:
			lines = append(lines, "Unaccounted events of (unrouted) may be in a queue that somebody bound to the exchange hookline.events by hand:\n`rabbitmqctl list_bindings` shows it, and an external route declares it. With broker.management the audit looks itself.")
		}
	}
	return lines
}

// spools prints the spools with events or losses, if there are any.
func (c *command) spools(spools []broker.SpoolAudit) error {
	if len(spools) == 0 {
		return nil
	}
	fmt.Fprintln(c.stdout)
	if err := c.printTable(spoolTable(spools)); err != nil {
		return err
	}
	for _, s := range spools {
		if s.SilentSince != nil {
			c.say("The receiver of spool %s is silent since %s, with %d events in it: start it again with its data folder.",
				s.Spool, s.SilentSince.Local().Format(time.DateTime), s.Present)
		}
	}
	return nil
}

func spoolTable(spools []broker.SpoolAudit) table {
	t := countTable("SPOOL", "TAKEN", "PUBLISHED", "DISCARDED", "PRESENT", "UNACCOUNTED")
	for _, s := range spools {
		t.addCounts(s.Spool, s.Taken, s.Published, s.Discarded, s.Present, s.Unaccounted)
	}
	return t
}

// auditSummary returns the result in a sentence.
func auditSummary(a broker.Audit) string {
	if a.Unaccounted == 0 && a.Newer > 0 {
		return "Whether every stored event is accounted for is unknown."
	}
	if n := silentEvents(a); a.Unaccounted == 0 && n > 0 {
		return fmt.Sprintf("%d events are in spools of silent receivers; all others are accounted for.", n)
	}
	if n := inUndeclared(a); a.Unaccounted == 0 && n > 0 {
		return fmt.Sprintf("%d events are in queues that no configuration declares; all others are accounted for.", n)
	}
	if a.Unaccounted == 0 && unkeyedEvents(a) > 0 {
		return "Every stored event is accounted for by number, but not one by one."
	}
	if a.Unaccounted == 0 {
		return "Every stored event is accounted for."
	}
	var routes []string
	for _, r := range a.Routes {
		if r.Unaccounted > 0 {
			routes = append(routes, fmt.Sprintf("%s %d", routeName(r), r.Unaccounted))
		}
	}
	for _, s := range a.Spools {
		if s.Unaccounted > 0 {
			routes = append(routes, fmt.Sprintf("spool %s %d", s.Spool, s.Unaccounted))
		}
	}
	return fmt.Sprintf(`%d events are unaccounted for: %s. Keep the logs, and see docs/runbooks/HooklineUnaccounted.md.`,
		a.Unaccounted, strings.Join(routes, ", "))
}

// inUndeclared counts the events in queues that no configuration declares.
func inUndeclared(a broker.Audit) (sum int64) {
	for _, r := range a.Routes {
		sum += r.Undeclared
	}
	return sum
}

func routeName(r broker.RouteAudit) string {
	if r.Route == "" {
		return "(unrouted)"
	}
	return r.Route
}

func rejected(s broker.SourceAudit) (sum int64) {
	for _, n := range s.Rejected {
		sum += n
	}
	return sum
}

func reasons(s broker.SourceAudit) string {
	var all []string
	for _, reason := range slices.Sorted(maps.Keys(s.Rejected)) {
		all = append(all, fmt.Sprintf("%s %d", reason, s.Rejected[reason]))
	}
	return strings.Join(all, ", ")
}
