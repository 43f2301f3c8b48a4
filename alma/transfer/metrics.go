package transfer

import "github.com/prometheus/client_golang/prometheus"

// What becomes of a record.
const (
	delivered = "delivered"
	filtered  = "filtered"
	bad       = "bad"
)

// Metrics count what all transfers of a process move.
type Metrics struct {
	records *prometheus.CounterVec
	bytes   *prometheus.CounterVec
	files   *prometheus.CounterVec
}

// NewMetrics registers them. It panics if reg has them already.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		records: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hookline_transfer_records_total", Help: "Records of transferred files by what became of them.",
		}, []string{"result"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hookline_transfer_bytes_total", Help: "Bytes that were fetched, as they were packed, and delivered.",
		}, []string{"direction"}),
		files: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hookline_transfer_files_total", Help: "Files that were fetched, delivered, or left because they were there.",
		}, []string{"direction"}),
	}
	for _, result := range []string{delivered, filtered, bad} {
		m.records.WithLabelValues(result)
	}
	for _, direction := range []string{"in", "out"} {
		m.bytes.WithLabelValues(direction)
		m.files.WithLabelValues(direction)
	}
	m.files.WithLabelValues("skipped")
	reg.MustRegister(m.records, m.bytes, m.files)
	return m
}
