package schedule

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// Results of a due event.
const (
	emitted   = "emitted"
	duplicate = "duplicate" // the broker had it already
	failed    = "failed"    // not stored; tried again
)

type metrics struct {
	events *prometheus.CounterVec
	leads  prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hookline_schedule_events_total",
			Help: "Due events of schedules, by result."}, []string{"source", "result"}),
		leads: prometheus.NewGauge(prometheus.GaugeOpts{Name: "hookline_schedule_turn",
			Help: "1 in the process that emits scheduled events, otherwise 0."}),
	}
	return m, errors.Join(reg.Register(m.events), reg.Register(m.leads))
}

// prepare creates the series of a source at zero.
func (m *metrics) prepare(source string) {
	for _, result := range []string{emitted, duplicate, failed} {
		m.events.WithLabelValues(source, result)
	}
}
