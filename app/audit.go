package app

import (
	"cmp"
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
)

// auditor audits the broker each minute. Of several processes the leader audits; the others show 0, so that a query takes the maximum
// over processes.
type auditor struct {
	broker      auditBroker
	reported    map[string]bool // left-over routes, stale bindings and queues that the log has named
	shown       []broker.RouteAudit
	unaccounted *prometheus.GaugeVec
	incomplete  *prometheus.GaugeVec
	since       prometheus.Gauge
	leftOver    *prometheus.GaugeVec
	stale       *prometheus.GaugeVec
	atRisk      *prometheus.GaugeVec
	silent      prometheus.Gauge
	open        prometheus.Gauge
	checked     prometheus.Gauge
	log         *zap.Logger
}

// auditBroker is the part of a broker that the auditor uses.
type auditBroker interface {
	Audit(ctx context.Context) (broker.Audit, error)
	broker.Unbinder
	broker.Leader
}

const (
	auditPause   = time.Minute
	auditTimeout = 30 * time.Second
	// spoolRoute stands for the spools among the routes of the gauge.
	spoolRoute = broker.Spool
)

func newAuditor(b auditBroker, routes []broker.Route, reg prometheus.Registerer, log *zap.Logger) *auditor {
	a := &auditor{
		broker: b, log: log.Named("audit"), reported: map[string]bool{},
		unaccounted: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "hookline_ledger_unaccounted",
			Help: "Stored events that are neither in a queue nor finished. Any value but 0 means lost events."}, []string{"route"}),
		incomplete: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "hookline_ledger_incomplete",
			Help: "1 if the audit may miss a loss: anew, counting began anew and nobody has acknowledged it; newer, notes of a newer Hookline; unkeyed, so many events are open that it counts some by number."}, []string{"reason"}),
		since: prometheus.NewGauge(prometheus.GaugeOpts{Name: "hookline_ledger_since_timestamp_seconds",
			Help: "Time at which the audit's counting began, in seconds since 1970; 0 in a process that does not audit."}),
		leftOver: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "hookline_broker_left_over_events",
			Help: "Events in the queues of a route that the configuration lacks, so that nobody handles them."}, []string{"route"}),
		stale: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "hookline_broker_stale_bindings",
			Help: "Bindings of a route that no running process has in its configuration, and that this process may not remove."}, []string{"route"}),
		atRisk: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "hookline_broker_queues_at_risk",
			Help: "Queues that can lose events: members, on fewer nodes than they could be; policy, a policy drops events."}, []string{"risk"}),
		silent: prometheus.NewGauge(prometheus.GaugeOpts{Name: "hookline_ledger_silent_spool_events",
			Help: "Events in spools whose receiver has written nothing for five minutes."}),
		open: prometheus.NewGauge(prometheus.GaugeOpts{Name: "hookline_ledger_open_events",
			Help: "Stored events that are not finished, of all routes but external ones. The process that audits keeps up to 524,288 of them in memory."}),
		checked: prometheus.NewGauge(prometheus.GaugeOpts{Name: "hookline_ledger_checked_timestamp_seconds",
			Help: "Time of the last audit by this process, in seconds since 1970; 0 before the first."}),
	}
	for _, r := range routes {
		a.gauge(r.Name)
	}
	a.gauge("")
	a.gauge(spoolRoute)
	a.showBalance(broker.Audit{})
	reg.MustRegister(a.unaccounted, a.incomplete, a.since, a.leftOver, a.stale, a.atRisk, a.silent, a.open, a.checked)
	return a
}

func (a *auditor) gauge(route string) prometheus.Gauge {
	return a.unaccounted.WithLabelValues(cmp.Or(route, "unrouted"))
}

// run audits now and each minute until ctx ends.
func (a *auditor) run(ctx context.Context) {
	next := time.NewTicker(auditPause)
	defer next.Stop()
	for {
		a.audit(ctx)
		select {
		case <-next.C:
		case <-ctx.Done():
			return
		}
	}
}

func (a *auditor) audit(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, auditTimeout)
	defer cancel()
	leads, err := a.broker.Leads(ctx, broker.LeadAudit)
	if err == nil && !leads {
		a.show(broker.Audit{})
		a.showBalance(broker.Audit{})
		a.stale.Reset()
		a.atRisk.Reset()
		return
	}
	var found broker.Audit
	if err == nil {
		a.unbind(ctx)
		found, err = a.broker.Audit(ctx)
	}
	if err != nil {
		a.log.Warn("the audit failed; the next one is in a minute", zap.Error(err))
		return
	}
	a.show(found)
	a.showBalance(found)
	a.nameLeftOver(found.Routes)
	a.nameUndeclared(found.Undeclared)
	a.nameAtRisk(found.AtRisk)
	a.checked.SetToCurrentTime()
	if found.Unaccounted != 0 {
		a.log.Error("stored events are unaccounted for; `hookline audit` shows the routes", zap.Int64("events", found.Unaccounted))
	}
}

// showBalance shows since when the audit counts, and whether it misses notes.
func (a *auditor) showBalance(found broker.Audit) {
	set := func(g prometheus.Gauge, on bool) {
		g.Set(0)
		if on {
			g.Set(1)
		}
	}
	set(a.incomplete.WithLabelValues("anew"), found.Anew != "")
	set(a.incomplete.WithLabelValues("newer"), found.Newer > 0)
	var open, unkeyed int64
	for _, r := range found.Routes {
		unkeyed += r.Unkeyed
		if !r.External {
			open += r.Waiting + r.Running + r.Retrying + r.Dead + r.Undeclared + r.Unaccounted
		}
	}
	a.open.Set(float64(open))
	set(a.incomplete.WithLabelValues("unkeyed"), unkeyed > 0)
	a.since.Set(0)
	if !found.Since.IsZero() {
		a.since.Set(float64(found.Since.UnixMilli()) / 1000)
	}
	var silent int64
	for _, spool := range found.Spools {
		if spool.SilentSince != nil {
			silent += spool.Present
			a.log.Error("a receiver has fallen silent with events in its spool: start it again with its data folder",
				zap.String("spool", spool.Spool), zap.Int64("events", spool.Present), zap.Time("since", *spool.SilentSince))
		}
	}
	a.silent.Set(float64(silent))
	if found.Anew != "" {
		a.log.Error("counting began anew, so losses before that are unknown; see docs/runbooks/HooklineAuditIncomplete.md",
			zap.Time("since", found.Since), zap.String("reason", found.Anew))
	}
	if found.Newer > 0 {
		a.log.Error("the ledger has notes of a newer Hookline, so the balance is incomplete: update this process", zap.Int64("notes", found.Newer))
	}
}

// unbind removes the bindings that are left over from earlier configurations, so that their routes get no more events.
func (a *auditor) unbind(ctx context.Context) {
	removed, remaining, err := a.broker.Unbind(ctx)
	if err != nil {
		a.log.Warn("bindings of earlier configurations cannot be looked for; the next try is in a minute", zap.Error(err))
		return
	}
	for _, b := range removed {
		a.log.Warn("unbound a route from a pattern that no running process has in its configuration",
			zap.String("route", b.Route), zap.String("pattern", b.Pattern))
	}
	a.stale.Reset()
	for _, b := range remaining {
		a.stale.WithLabelValues(b.Route).Inc()
		if key := "binding " + b.Route + " " + b.Pattern; !a.reported[key] {
			a.reported[key] = true
			a.log.Warn("a route still gets events by a pattern that no running process has in its configuration: this user may not unbind it, or somebody consumes its queue; see `hookline topology plan`",
				zap.String("route", b.Route), zap.String("pattern", b.Pattern))
		}
	}
}

// nameLeftOver logs each route once that was removed from the configuration, or renamed, before its events were done.
func (a *auditor) nameLeftOver(routes []broker.RouteAudit) {
	for _, r := range routes {
		if n := inQueues(r); r.LeftOver && n > 0 && !a.reported[r.Route] {
			a.reported[r.Route] = true
			a.log.Warn("events wait for a route that is not in the configuration, so nobody handles them: see `hookline topology retire`",
				zap.String("route", r.Route), zap.Int64("events", n))
		}
	}
}

// nameUndeclared logs each queue once that somebody has bound by hand.
func (a *auditor) nameUndeclared(queues []broker.UndeclaredQueue) {
	for _, q := range queues {
		if key := "queue " + q.Queue; !a.reported[key] {
			a.reported[key] = true
			a.log.Warn("a queue is bound to the events, and no configuration declares it: declare an external route instead",
				zap.String("queue", q.Queue), zap.Strings("patterns", q.Patterns))
		}
	}
}

// nameAtRisk counts the queues that can lose events, and logs each of them once for each cause.
func (a *auditor) nameAtRisk(queues []broker.QueueAtRisk) {
	a.atRisk.Reset()
	for _, q := range queues {
		a.atRisk.WithLabelValues(string(q.Risk)).Inc()
		if key := "at risk " + q.Queue + q.Advice; !a.reported[key] {
			a.reported[key] = true
			a.log.Warn("a queue can lose events", zap.String("queue", q.Queue), zap.String("risk", string(q.Risk)), zap.String("advice", q.Advice))
		}
	}
}

// inQueues returns the number of events that a route has on the broker.
func inQueues(r broker.RouteAudit) int64 {
	return r.Waiting + r.Running + r.Retrying + r.Dead + r.Surplus
}

// show sets the gauge of each route, and to 0 the gauges of routes that an earlier audit showed.
func (a *auditor) show(found broker.Audit) {
	routes := found.Routes
	numbers := map[string]int64{spoolRoute: 0}
	for _, r := range a.shown {
		numbers[r.Route] = 0
	}
	for _, r := range routes {
		numbers[r.Route] = r.Unaccounted
	}
	for _, spool := range found.Spools {
		numbers[spoolRoute] += spool.Unaccounted
	}
	for route, n := range numbers {
		a.gauge(route).Set(float64(n))
	}
	a.leftOver.Reset()
	for _, r := range routes {
		if r.LeftOver {
			a.leftOver.WithLabelValues(r.Route).Set(float64(inQueues(r)))
		}
	}
	a.shown = routes
}
