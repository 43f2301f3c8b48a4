package embedded

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics have the names of every broker's metrics. Their connection is "store".
type metrics struct{ confirm prometheus.Histogram }

func newMetrics(reg prometheus.Registerer, w *writer) (*metrics, error) {
	connected := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "hookline_broker_connected",
		Help:        "1 while the connection to the broker is up, otherwise 0.",
		ConstLabels: prometheus.Labels{"connection": "store"},
	}, w.connected)
	reconnects := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hookline_broker_reconnects_total",
		Help: "Reconnects to the broker after a fault.",
	}, []string{"connection"})
	confirm := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "hookline_broker_confirm_seconds",
		Help:    "Time from a publish to its confirm by the broker.",
		Buckets: prometheus.ExponentialBuckets(0.0001, 2.5, 14), // 0.1 ms to 15 s
	})
	reconnects.WithLabelValues("store")
	err := errors.Join(reg.Register(connected), reg.Register(reconnects), reg.Register(confirm))
	return &metrics{confirm}, err
}

// registerQueue registers the metric of a route's queue.
func registerQueue(reg prometheus.Registerer, route string, q *queue) error {
	return reg.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "hookline_broker_fetched_bytes",
		Help:        "Bodies of events in progress, in bytes.",
		ConstLabels: prometheus.Labels{"route": route},
	}, q.runningBytes))
}
