package receiver

import (
	"errors"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/signature"
)

// unknownSource is the label of requests for an unknown source.
const unknownSource = "unknown"

type metrics struct {
	requests        *prometheus.CounterVec
	requestSeconds  *prometheus.HistogramVec
	inFlight        prometheus.Gauge
	verifyFailures  *prometheus.CounterVec
	accepted        *prometheus.CounterVec
	duplicates      *prometheus.CounterVec
	unrouted        *prometheus.CounterVec
	unreadable      *prometheus.CounterVec
	otherBodies     *prometheus.CounterVec
	copies          *prometheus.CounterVec
	removed         *prometheus.CounterVec
	noRoom          *prometheus.CounterVec
	leftOut         *prometheus.CounterVec
	readmitted      *prometheus.CounterVec
	connections     prometheus.Gauge
	gaveWay         prometheus.Counter // of connections
	ofShare         prometheus.Counter // of connections
	handshakes      *prometheus.CounterVec
	publishSeconds  *prometheus.HistogramVec
	publishFailures *prometheus.CounterVec
}

// newMetrics registers the metrics with reg. It returns an error if reg has the metrics of another receiver.
func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hookline_receiver_" + name, Help: help}, labels)
	}
	seconds := func(name, help string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "hookline_receiver_" + name, Help: help,
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}, []string{"source"})
	}
	ended := counter("connections_ended_total", "Connections that ended for lack of room: one address has its share, or the longest idle one gave way to a new one.", "reason")
	m := &metrics{
		requests:        counter("requests_total", "Requests by the status code of their answer.", "source", "code"),
		requestSeconds:  seconds("request_seconds", "Time from the end of a request's headers to its answer."),
		inFlight:        prometheus.NewGauge(prometheus.GaugeOpts{Name: "hookline_receiver_in_flight", Help: "Requests in progress."}),
		verifyFailures:  counter("verify_failures_total", "Messages with a wrong signature or token.", "source", "reason"),
		accepted:        counter("accepted_total", "Events that were stored and answered 200.", "source"),
		duplicates:      counter("duplicates_total", "Repeats of stored events that were answered 200 and not stored again.", "source"),
		unrouted:        counter("unrouted_total", "Accepted events that match no route.", "source"),
		unreadable:      counter("unreadable_total", "Accepted events with an unreadable action.", "source"),
		otherBodies:     counter("other_bodies_total", "Events whose ID and action came before with another body: stored as new, or answered as a duplicate of the first.", "source", "result"),
		copies:          counter("copies_total", "Duplicates by their signature: the same signed body came before with another ID, which the sender does not sign.", "source"),
		removed:         counter("removed_requests_total", "Requests for a source that a reload removed, answered 503.", "source"),
		noRoom:          counter("no_room_total", "Requests answered 503 for lack of room, by the bound that is used up: the share of the client or of the source, or the limit for all.", "source", "bound"),
		gaveWay:         ended.WithLabelValues("gave_way"),
		ofShare:         ended.WithLabelValues("client_share"),
		leftOut:         counter("rejected_left_out_total", "Rejected requests that the quarantine does not have, because more came in a second than it takes.", "source"),
		readmitted:      counter("readmitted_total", "Rejected requests whose event was stored after a person admitted them. They are not in accepted.", "source"),
		connections:     prometheus.NewGauge(prometheus.GaugeOpts{Name: "hookline_receiver_connections", Help: "Open connections."}),
		handshakes:      counter("handshakes_total", "Handshakes of senders.", "source", "result"),
		publishSeconds:  seconds("publish_seconds", "Time until the broker had stored an event or had failed."),
		publishFailures: counter("publish_failures_total", "Events that the broker did not store.", "source", "reason"),
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.requests, m.requestSeconds, m.inFlight, m.verifyFailures, m.accepted,
		m.duplicates, m.unrouted, m.unreadable, m.otherBodies, m.copies, m.removed, m.noRoom, m.leftOut, m.readmitted, m.connections, ended, m.handshakes, m.publishSeconds, m.publishFailures} {
		errs = append(errs, reg.Register(c))
	}
	return m, errors.Join(errs...)
}

// sourceMetrics holds the series of one source. The lookup also makes each series exist at zero.
type sourceMetrics struct {
	requests           map[int]prometheus.Counter
	requestSeconds     prometheus.Observer
	inFlight           prometheus.Gauge
	verifyFailures     map[string]prometheus.Counter
	accepted           prometheus.Counter
	duplicates         prometheus.Counter
	unrouted           prometheus.Counter
	unreadable         prometheus.Counter
	otherBodyStored    prometheus.Counter
	otherBodyDuplicate prometheus.Counter
	copied             prometheus.Counter
	removed            prometheus.Counter
	noRoom             map[string]prometheus.Counter // by bound
	answered           prometheus.Counter
	refused            prometheus.Counter
	publishSeconds     prometheus.Observer
	publishFailures    map[string]prometheus.Counter
	leftOut            prometheus.Counter
	readmitted         prometheus.Counter
}

func (m *metrics) source(name string) *sourceMetrics {
	s := m.requestsOnly(name)
	s.verifyFailures = byLabel(m.verifyFailures, name, append(signature.Reasons(), reasonClock))
	s.accepted = m.accepted.WithLabelValues(name)
	s.duplicates = m.duplicates.WithLabelValues(name)
	s.unrouted = m.unrouted.WithLabelValues(name)
	s.unreadable = m.unreadable.WithLabelValues(name)
	s.otherBodyStored = m.otherBodies.WithLabelValues(name, "stored")
	s.otherBodyDuplicate = m.otherBodies.WithLabelValues(name, "duplicate")
	s.copied = m.copies.WithLabelValues(name)
	s.removed = m.removed.WithLabelValues(name)
	s.noRoom = byLabel(m.noRoom, name, bounds())
	s.readmitted = m.readmitted.WithLabelValues(name)
	s.answered = m.handshakes.WithLabelValues(name, "answered")
	s.refused = m.handshakes.WithLabelValues(name, "refused")
	s.publishSeconds = m.publishSeconds.WithLabelValues(name)
	s.publishFailures = byLabel(m.publishFailures, name, broker.Reasons())
	return s
}

// requestsOnly returns the series for requests for an unknown source, which are always refused.
func (m *metrics) requestsOnly(name string) *sourceMetrics {
	s := &sourceMetrics{requests: map[int]prometheus.Counter{}, requestSeconds: m.requestSeconds.WithLabelValues(name), inFlight: m.inFlight, leftOut: m.leftOut.WithLabelValues(name)}
	for _, code := range answerCodes() {
		s.requests[code] = m.requests.WithLabelValues(name, strconv.Itoa(code))
	}
	return s
}

func byLabel(vec *prometheus.CounterVec, source string, values []string) map[string]prometheus.Counter {
	counters := make(map[string]prometheus.Counter, len(values))
	for _, value := range values {
		counters[value] = vec.WithLabelValues(source, value)
	}
	return counters
}
