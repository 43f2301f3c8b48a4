package schedule

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// What became of a due event.
const (
	emitted   = "emitted"
	duplicate = "duplicate" // it was there already
	failed    = "failed"    // not stored; tried again
)

type metrics struct {
	events *prometheus.CounterVec
	turn   prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hookline_schedule_events_total",
			Help: "Events of schedules that were due, by what became of them."}, []string{"source", "result"}),
		turn: prometheus.NewGauge(prometheus.GaugeOpts{Name: "hookline_schedule_turn",
			Help: "1 in the process that emits scheduled events, of all that could."}),
	}
	return m, errors.Join(reg.Register(m.events), reg.Register(m.turn))
}

// prepare makes a source's series exist at zero.
func (m *metrics) prepare(source string) {
	for _, result := range []string{emitted, duplicate, failed} {
		m.events.WithLabelValues(source, result)
	}
}
