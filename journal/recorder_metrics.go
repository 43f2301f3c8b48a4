package journal

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// recorderMetrics holds the metrics of one recorder. Every series exists from the start.
type recorderMetrics struct {
	stored, ended prometheus.Counter
	rejected      prometheus.Counter
	dropped       prometheus.Counter
	batches       prometheus.Counter
	seconds       prometheus.Histogram
}

func newRecorderMetrics(reg prometheus.Registerer, waiting func() float64) (*recorderMetrics, error) {
	records := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hookline_journal_records_total", Help: "Records of stored events, of ended attempts and of rejected requests that were collected for the journal.",
	}, []string{"kind"})
	m := &recorderMetrics{
		stored: records.WithLabelValues("stored"), ended: records.WithLabelValues("attempt"), rejected: records.WithLabelValues("rejected"),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hookline_journal_records_dropped_total", Help: "Records that the journal lacks, because it took none and their memory was full, or because it refused them.",
		}),
		batches: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hookline_journal_batches_total", Help: "Batches of records that the journal took.",
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hookline_journal_append_seconds", Help: "Time of a try to hand on a batch of records.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
	}
	return m, errors.Join(reg.Register(records), reg.Register(m.dropped), reg.Register(m.batches), reg.Register(m.seconds),
		reg.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "hookline_journal_waiting_bytes", Help: "Memory of records that wait to be handed on.",
		}, waiting)))
}
