package transfer

import "github.com/prometheus/client_golang/prometheus"

// The results of a record.
const (
	delivered = "delivered"
	filtered  = "filtered"
	bad       = "bad"
)

// Metrics count the records, bytes and files of all transfers of a process.
type Metrics struct {
	records *prometheus.CounterVec
	bytes   *prometheus.CounterVec
	files   *prometheus.CounterVec
}

// NewMetrics registers the metrics. It panics if reg has them already.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		records: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hookline_transfer_records_total", Help: "Records of transferred files by result.",
		}, []string{"result"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hookline_transfer_bytes_total", Help: "Bytes fetched, still packed (in), and delivered (out).",
		}, []string{"direction"}),
		files: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hookline_transfer_files_total", Help: "Files fetched (in), delivered (out), or skipped because they were delivered already.",
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
