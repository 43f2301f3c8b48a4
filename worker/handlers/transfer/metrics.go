package transfer

import "github.com/prometheus/client_golang/prometheus"

// What becomes of a record.
const (
	delivered = "delivered"
	filtered  = "filtered"
	bad       = "bad"
)

// metrics are one handler's; every series exists from the start.
type metrics struct {
	records *prometheus.CounterVec
	bytes   *prometheus.CounterVec
	files   *prometheus.CounterVec
}

func newMetrics() *metrics {
	m := &metrics{
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
	return m
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	m.records.Describe(ch)
	m.bytes.Describe(ch)
	m.files.Describe(ch)
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	m.records.Collect(ch)
	m.bytes.Collect(ch)
	m.files.Collect(ch)
}
