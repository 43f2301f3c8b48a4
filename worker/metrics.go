package worker

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics holds the metrics of one worker. Every series exists from the start.
type metrics struct {
	deliveries *prometheus.CounterVec
	failures   *prometheus.CounterVec
	seconds    *prometheus.HistogramVec
	attempts   *prometheus.HistogramVec
	pauses     *prometheus.CounterVec
	postponed  *prometheus.CounterVec
	refused    *prometheus.CounterVec
}

// newMetrics registers the metrics of the routes that are the keys of inflights. It returns an error if reg has them
// already.
func newMetrics(reg prometheus.Registerer, inflights map[string]*inflight) (*metrics, error) {
	m := &metrics{
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hookline_worker_deliveries_total", Help: "Deliveries by outcome. A dead letter counts when it is stored.",
		}, []string{"route", "outcome"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hookline_worker_failures_total", Help: "Failed attempts by reason, both retried and dead.",
		}, []string{"route", "reason"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "hookline_worker_handle_seconds", Help: "Time in the handler, including failed attempts.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300},
		}, []string{"route"}),
		attempts: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "hookline_worker_attempts", Help: "Number of the attempt with which an event was done or became a dead letter.",
			Buckets: []float64{1, 2, 3, 5, 10, 20},
		}, []string{"route"}),
		pauses: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hookline_worker_pauses_total", Help: "Number of times that the route was paused for a source.",
		}, []string{"route"}),
		postponed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hookline_worker_postponed_total", Help: "Deliveries that were postponed unhandled, because the route was paused for their source.",
		}, []string{"route", "source"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hookline_worker_dead_letters_refused_total", Help: "Dead letters that their full queue refused; each is stored again a minute later.",
		}, []string{"route"}),
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.deliveries, m.failures, m.seconds, m.attempts, m.pauses, m.postponed, m.refused} {
		errs = append(errs, reg.Register(c))
	}
	for route, f := range inflights {
		for _, o := range outcomes() {
			m.deliveries.WithLabelValues(route, o)
		}
		for _, r := range Reasons() {
			m.failures.WithLabelValues(route, r)
		}
		m.seconds.WithLabelValues(route)
		m.attempts.WithLabelValues(route)
		m.pauses.WithLabelValues(route)
		m.refused.WithLabelValues(route)
		of := prometheus.Labels{"route": route}
		errs = append(errs,
			reg.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: "hookline_worker_in_flight", Help: "Deliveries in progress.", ConstLabels: of,
			}, f.size)),
			reg.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: "hookline_worker_oldest_age_seconds", Help: "Time since the receipt of the oldest event in progress; 0 without one.", ConstLabels: of,
			}, f.oldestAge)),
			reg.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: "hookline_worker_left_behind", Help: "Abandoned handler calls: they ignored the end of their context and still run.", ConstLabels: of,
			}, f.abandonedCalls)))
	}
	return m, errors.Join(errs...)
}

// addBreakers registers the metrics of a route's pauses.
func (m *metrics) addBreakers(reg prometheus.Registerer, b *sourceBreakers) error {
	errs := []error{reg.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "hookline_worker_paused", Help: "1 while the route is paused for at least one source, because its events fail.",
		ConstLabels: prometheus.Labels{"route": b.route},
	}, func() float64 { return min(1, b.paused("")) }))}
	for _, source := range b.sources() {
		m.postponed.WithLabelValues(b.route, source)
		errs = append(errs, reg.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "hookline_worker_source_paused", Help: "1 while the route is paused for the source, because its events fail.",
			ConstLabels: prometheus.Labels{"route": b.route, "source": source},
		}, func() float64 { return b.paused(source) })))
	}
	return errors.Join(errs...)
}
