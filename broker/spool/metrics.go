package spool

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hookline/hookline/broker"
)

// Reasons for which an event was not spooled.
const (
	full   = "full"   // the store has its largest size
	old    = "old"    // the oldest event is older than MaxAge
	failed = "failed" // the disk failed
)

type metrics struct {
	stored  *prometheus.CounterVec
	refused *prometheus.CounterVec
	drained prometheus.Counter
}

func newMetrics(sources map[string]bool, reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		stored:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hookline_spool_stored_total", Help: "Events that were spooled and answered 200."}, []string{"source"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hookline_spool_refused_total", Help: "Events that neither the broker nor the spool stored."}, []string{"reason"}),
		drained: prometheus.NewCounter(prometheus.CounterOpts{Name: "hookline_spool_drained_total", Help: "Spooled events that the broker has confirmed since."}),
	}
	for source := range sources {
		m.stored.WithLabelValues(source)
	}
	for _, reason := range []string{full, old, failed} {
		m.refused.WithLabelValues(reason)
	}
	return m, errors.Join(reg.Register(m.stored), reg.Register(m.refused), reg.Register(m.drained))
}

// countPublish counts an event that was spooled, or that was not because of err. It ignores duplicates.
func (m *metrics) countPublish(source string, err error) {
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
