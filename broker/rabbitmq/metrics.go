package rabbitmq

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hookline/hookline/broker"
)

// The roles of the connections, which are values of the label "connection".
const (
	publishing = "publish"
	consuming  = "consume"
	journaling = "journal" // only while the journal is on
)

type metrics struct {
	connected  *prometheus.GaugeVec
	reconnects *prometheus.CounterVec
	confirm    prometheus.Histogram
	mismatches prometheus.Gauge
	dropped    prometheus.Counter
	fetched    *prometheus.GaugeVec
}

func newMetrics(reg prometheus.Registerer, routes []broker.Route) (*metrics, error) {
	m := &metrics{
		connected: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "hookline_broker_connected",
			Help: "1 while the process is connected to the broker.",
		}, []string{"connection"}),
		reconnects: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hookline_broker_reconnects_total",
			Help: "Connections made after the first.",
		}, []string{"connection"}),
		confirm: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "hookline_broker_confirm_seconds",
			Help:    "Time from a publish to its confirm.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}),
		mismatches: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "hookline_broker_topology_mismatches",
			Help: "Objects on RabbitMQ that differ from the topology of the configuration; see hookline topology plan.",
		}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hookline_ledger_notes_dropped_total",
			Help: "Notes that were dropped, because too many could not be written to the ledger. Audits then begin to count again.",
		}),
		fetched: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "hookline_broker_fetched_bytes",
			Help: "Bodies of fetched events in memory, in bytes.",
		}, []string{"route"}),
	}
	for _, c := range []prometheus.Collector{m.connected, m.reconnects, m.confirm, m.mismatches, m.dropped, m.fetched} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	for _, role := range []string{publishing, consuming} {
		m.connected.WithLabelValues(role)
		m.reconnects.WithLabelValues(role)
	}
	for _, r := range routes {
		if !r.External {
			m.fetched.WithLabelValues(r.Name)
		}
	}
	return m, nil
}
