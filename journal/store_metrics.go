package journal

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// storeMetrics holds the metrics of one store.
type storeMetrics struct {
	refused, removed prometheus.Counter
	last             prometheus.Gauge
}

func newStoreMetrics(reg prometheus.Registerer, s *Store) (*storeMetrics, error) {
	m := &storeMetrics{
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hookline_journal_store_errors_total", Help: "Batches of records that the journal's file did not take. They are tried again.",
		}),
		removed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hookline_journal_removed_events_total", Help: "Events removed from the journal, because they were too old or the file was too large.",
		}),
		last: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "hookline_journal_last_record_timestamp_seconds", Help: "Time of the newest record of the last batch in the journal's file.",
		}),
	}
	return m, errors.Join(reg.Register(m.refused), reg.Register(m.removed), reg.Register(m.last),
		reg.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "hookline_journal_bytes", Help: "Bytes in use of the journal's file.",
		}, func() float64 {
			n, err := s.Bytes(context.Background())
			if err != nil {
				return 0
			}
			return float64(n)
		})))
}

// appended notes the end of an append.
func (m *storeMetrics) appended(b Batch, err error) {
	if err != nil {
		m.refused.Inc()
		return
	}
	_, last := span(b)
	m.last.Set(float64(last) / float64(time.Second/time.Millisecond))
}
