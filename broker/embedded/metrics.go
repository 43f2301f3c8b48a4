package embedded

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics carry the names that every line has; "store" stands where RabbitMQ names its connections.
type metrics struct{ confirm prometheus.Histogram }

func newMetrics(reg prometheus.Registerer, w *writer) (*metrics, error) {
	connected := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "hookline_broker_connected",
		Help:        "Whether the connection to the line is up (1) or not (0).",
		ConstLabels: prometheus.Labels{"connection": "store"},
	}, w.connected)
	reconnects := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hookline_broker_reconnects_total",
		Help: "Connections to the line that were made again after a fault.",
	}, []string{"connection"})
	confirm := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "hookline_broker_confirm_seconds",
		Help:    "Time from a publish to the line's word that the event is durable.",
		Buckets: prometheus.ExponentialBuckets(0.0001, 2.5, 14), // 0.1 ms to 15 s
	})
	reconnects.WithLabelValues("store")
	err := errors.Join(reg.Register(connected), reg.Register(reconnects), reg.Register(confirm))
	return &metrics{confirm}, err
}
