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
	reported    map[string]bool // routes of the configuration, and routes that the log has named
	shown       []broker.RouteAudit
	unaccounted *prometheus.GaugeVec
	incomplete  *prometheus.GaugeVec
	since       prometheus.Gauge
	checked     prometheus.Gauge
	log         *zap.Logger
}

// auditBroker is the part of a broker that the auditor uses.
type auditBroker interface {
	Audit(ctx context.Context) (broker.Audit, error)
	broker.Leader
}

const (
	auditPause   = time.Minute
	auditTimeout = 30 * time.Second
)

func newAuditor(b auditBroker, routes []broker.Route, reg prometheus.Registerer, log *zap.Logger) *auditor {
	a := &auditor{
		broker: b, log: log.Named("audit"), reported: map[string]bool{"": true},
		unaccounted: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "hookline_ledger_unaccounted",
			Help: "Stored events that are neither in a queue nor finished. Any value but 0 means lost events."}, []string{"route"}),
		incomplete: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "hookline_ledger_incomplete",
			Help: "1 if the audit misses notes: anew, counting began anew and nobody has acknowledged it; newer, notes of a newer Hookline."}, []string{"reason"}),
		since: prometheus.NewGauge(prometheus.GaugeOpts{Name: "hookline_ledger_since_timestamp_seconds",
			Help: "Time at which the audit's counting began, in seconds since 1970; 0 in a process that does not audit."}),
		checked: prometheus.NewGauge(prometheus.GaugeOpts{Name: "hookline_ledger_checked_timestamp_seconds",
			Help: "Time of the last audit by this process, in seconds since 1970; 0 before the first."}),
	}
	for _, r := range routes {
		a.gauge(r.Name)
		a.reported[r.Name] = true
	}
	a.gauge("")
	a.showBalance(broker.Audit{})
	reg.MustRegister(a.unaccounted, a.incomplete, a.since, a.checked)
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
		a.show(nil)
		a.showBalance(broker.Audit{})
		return
	}
	var found broker.Audit
	if err == nil {
		found, err = a.broker.Audit(ctx)
	}
	if err != nil {
		a.log.Warn("the audit failed; the next one is in a minute", zap.Error(err))
		return
	}
	a.show(found.Routes)
	a.showBalance(found)
	a.nameRemoved(found.Routes)
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
	a.since.Set(0)
	if !found.Since.IsZero() {
		a.since.Set(float64(found.Since.UnixMilli()) / 1000)
	}
	if found.Anew != "" {
		a.log.Error("counting began anew, so losses before that are unknown; see docs/runbooks/HooklineAuditIncomplete.md",
			zap.Time("since", found.Since), zap.String("reason", found.Anew))
	}
	if found.Newer > 0 {
		a.log.Error("the ledger has notes of a newer Hookline, so the balance is incomplete: update this process", zap.Int64("notes", found.Newer))
	}
}

// nameRemoved logs each route once that was removed from the configuration, or renamed, before its events were done.
func (a *auditor) nameRemoved(routes []broker.RouteAudit) {
	for _, r := range routes {
		if n := r.Waiting + r.Retrying; n > 0 && !a.reported[r.Route] {
			a.reported[r.Route] = true
			a.log.Warn("events wait for a route that is not in the configuration, so nobody handles them: add the route again until they are done",
				zap.String("route", r.Route), zap.Int64("events", n))
		}
	}
}

// show sets the gauge of each route, and to 0 the gauges of routes that an earlier audit showed.
func (a *auditor) show(routes []broker.RouteAudit) {
	numbers := map[string]int64{}
	for _, r := range a.shown {
		numbers[r.Route] = 0
	}
	for _, r := range routes {
		numbers[r.Route] = r.Unaccounted
	}
	for route, n := range numbers {
		a.gauge(route).Set(float64(n))
	}
	a.shown = routes
}
