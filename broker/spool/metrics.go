package spool

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hookline/hookline/broker"
)

// Why an event was not spooled.
const (
	full   = "full"   // the store has its full size
	old    = "old"    // the oldest event has been here for too long
	failed = "failed" // the disk
)

type metrics struct {
	stored  *prometheus.CounterVec
	refused *prometheus.CounterVec
	drained prometheus.Counter
}

func newMetrics(sources map[string]bool, reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		stored:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hookline_spool_stored_total", Help: "Events that were spooled and answered 200."}, []string{"source"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hookline_spool_refused_total", Help: "Events that neither line nor spool took."}, []string{"reason"}),
		drained: prometheus.NewCounter(prometheus.CounterOpts{Name: "hookline_spool_drained_total", Help: "Spooled events that the line has confirmed."}),
	}
	for source := range sources {
		m.stored.WithLabelValues(source)
	}
	for _, reason := range []string{full, old, failed} {
		m.refused.WithLabelValues(reason)
	}
	return m, errors.Join(reg.Register(m.stored), reg.Register(m.refused), reg.Register(m.drained))
}

// kept counts an event that was spooled, or not. A repeat is neither.
func (m *metrics) kept(source string, err error) {
	switch {
	case errors.Is(err, broker.ErrDuplicate):
	case err == nil:
		m.stored.WithLabelValues(source).Inc()
	case errors.Is(err, errOld):
		m.refused.WithLabelValues(old).Inc()
	case errors.Is(err, broker.ErrBlocked):
		m.refused.WithLabelValues(full).Inc()
	default:
		m.refused.WithLabelValues(failed).Inc()
	}
}
