package rabbitmq

import "github.com/prometheus/client_golang/prometheus"

// The two connections, as the label "connection" names them.
const (
	publishing = "publish"
	consuming  = "consume"
)

type metrics struct {
	connected  *prometheus.GaugeVec
	reconnects *prometheus.CounterVec
	confirm    prometheus.Histogram
	mismatches prometheus.Gauge
	dropped    prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		connected: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "hookline_broker_connected",
			Help: "1 while there is a connection to the line.",
		}, []string{"connection"}),
		reconnects: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hookline_broker_reconnects_total",
			Help: "Connections made after the first.",
		}, []string{"connection"}),
		confirm: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "hookline_broker_confirm_seconds",
			Help:    "Time from a publish to the line's answer.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}),
		mismatches: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "hookline_broker_topology_mismatches",
			Help: "Objects on RabbitMQ that differ from what Hookline would declare; see hookline topology plan.",
		}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hookline_ledger_notes_dropped_total",
			Help: "Notes for the ledger that were given up, since too many could not be written; it then begins anew.",
		}),
	}
	for _, c := range []prometheus.Collector{m.connected, m.reconnects, m.confirm, m.mismatches, m.dropped} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	for _, role := range []string{publishing, consuming} {
		m.connected.WithLabelValues(role)
		m.reconnects.WithLabelValues(role)
	}
	return m, nil
}
