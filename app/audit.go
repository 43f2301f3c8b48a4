package app

import (
	"cmp"
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
)

// auditor asks the line each minute whether every stored event is accounted for. Of several workers one does at a time;
// the others show 0, so that a query takes the maximum over processes.
type auditor struct {
	line        auditable
	known       map[string]bool // routes of the configuration, and those that were named in the log
	shown       []broker.RouteAudit
	unaccounted *prometheus.GaugeVec
	checked     prometheus.Gauge
	log         *zap.Logger
}

type auditable interface {
	broker.Auditor
	AuditTurn(ctx context.Context) (bool, error)
}

const (
	auditPause   = time.Minute
	auditTimeout = 30 * time.Second
)

func newAuditor(line auditable, routes []broker.Route, reg prometheus.Registerer, log *zap.Logger) *auditor {
	a := &auditor{
		line: line, log: log.Named("audit"), known: map[string]bool{"": true},
		unaccounted: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "hookline_ledger_unaccounted",
			Help: "Stored events that are neither there nor finished; 0, or something was lost."}, []string{"route"}),
		checked: prometheus.NewGauge(prometheus.GaugeOpts{Name: "hookline_ledger_checked_timestamp_seconds",
			Help: "When this process last counted them, in seconds since 1970; 0: never."}),
	}
	for _, r := range routes {
		a.gauge(r.Name)
		a.known[r.Name] = true
	}
	a.gauge("")
	reg.MustRegister(a.unaccounted, a.checked)
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
	ours, err := a.line.AuditTurn(ctx)
	if err == nil && !ours {
		a.show(nil)
		return
	}
	var found broker.Audit
	if err == nil {
		found, err = a.line.Audit(ctx)
	}
	if err != nil {
		a.log.Warn("it cannot be told whether every stored event is accounted for; trying again in a minute", zap.Error(err))
		return
	}
	a.show(found.Routes)
	a.nameRemoved(found.Routes)
	a.checked.SetToCurrentTime()
	if found.Unaccounted != 0 {
		a.log.Error("stored events are unaccounted for; `hookline audit` shows of which routes", zap.Int64("events", found.Unaccounted))
	}
}

// nameRemoved says once of each route that was removed, or renamed, before its events were done.
func (a *auditor) nameRemoved(routes []broker.RouteAudit) {
	for _, r := range routes {
		if n := r.Waiting + r.Retrying; n > 0 && !a.known[r.Route] {
			a.known[r.Route] = true
			a.log.Warn("a route is not in the configuration, and nobody takes the events that wait for it: add it again until they are done",
				zap.String("route", r.Route), zap.Int64("events", n))
		}
	}
}

// show sets the gauges, and those to 0 that have no number any more.
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
