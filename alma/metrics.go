package alma

import "github.com/prometheus/client_golang/prometheus"

// Metrics count the requests of all institutions of a process.
type Metrics struct {
	requests  *prometheus.CounterVec
	remaining *prometheus.GaugeVec
}

// NewMetrics registers the metrics. It panics if reg has them already.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hookline_alma_requests_total", Help: "Requests to Alma's API by status class of the answer; none: no answer.",
		}, []string{"institution", "code"}),
		remaining: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "hookline_alma_api_remaining", Help: "Requests that Alma still allows the institution today, by its latest answer. Absent before the first answer.",
		}, []string{"institution"}),
	}
	reg.MustRegister(m.requests, m.remaining)
	return m
}

// classes returns the values of the label code.
func classes() []string { return []string{"2xx", "3xx", "4xx", "429", "5xx", "none"} }

// prepare makes the series of an institution that begin at zero. It leaves existing series alone.
func (m *Metrics) prepare(institution string) {
	for _, class := range classes() {
		m.requests.WithLabelValues(institution, class)
	}
}

func (m *Metrics) count(institution string, status int) {
	m.requests.WithLabelValues(institution, class(status)).Inc()
}

func (m *Metrics) left(institution string, n int) {
	if n != unknown {
		m.remaining.WithLabelValues(institution).Set(float64(n))
	}
}

func class(status int) string {
	switch {
	case status == 429:
		return "429"
	case status >= 500:
		return "5xx"
	case status >= 400:
		return "4xx"
	case status >= 300:
		return "3xx"
	case status >= 200:
		return "2xx"
	}
	return "none"
}
