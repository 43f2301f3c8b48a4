package notify

import "github.com/prometheus/client_golang/prometheus"

// Metrics count the messages of all notify handlers of a process.
type Metrics struct{ sent *prometheus.CounterVec }

// The values of the label result.
const (
	resultSent   = "sent"
	resultFailed = "failed" // not sent: retried or given up
	resultMaybe  = "maybe"  // a dead letter for a person to decide
	resultRepeat = "repeat" // sent before
	resultNone   = "nobody" // there is no recipient
)

// The values of the label service, besides the kinds of SMS services.
const (
	serviceEmail = "email"
	serviceURL   = "url"
	nobody       = "none"
)

// NewMetrics registers the metrics. It panics if reg has them already.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hookline_notify_sent_total", Help: "Messages by service and result.",
	}, []string{"service", "result"})}
	reg.MustRegister(m.sent)
	return m
}

func (m *Metrics) prepare(service string) {
	for _, result := range []string{resultSent, resultFailed, resultMaybe, resultRepeat} {
		m.sent.WithLabelValues(service, result)
	}
	m.sent.WithLabelValues(nobody, resultNone)
}

func (m *Metrics) count(service, result string) { m.sent.WithLabelValues(service, result).Inc() }
