package receiver

import (
	"net/http"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// result is the result of a request. The zero value is resultRefused.
type result int

const (
	resultRefused           result = iota // refused for any reason except the signature
	resultUnverified                      // for its signature or token, or because the source has no secret
	resultHandshakeAnswered               // a handshake, which brings no event
	resultHandshakeRefused
	resultNotStored // the broker failed to store the event
	resultDuplicate // the event was stored before
	resultStored
)

// The reasons of a refusal, besides those of packages signature and broker. Logs and audits show them.
const (
	reasonHandshake = "handshake"
	reasonSource    = "no_source"
	reasonMethod    = "method"
	reasonRemoved   = "removed"
	reasonClock     = "clock"
	reasonTooLarge  = "too_large"
	reasonTooSlow   = "too_slow"
	reasonHalfSent  = "half_sent"
	reasonLimited   = "limited"
	reasonTooMany   = "too_many"
	reasonNoMemory  = "no_memory"
	reasonPanic     = "panic"
)

// record describes one request at its end. Its log line, its metrics, its counts for the audit and its
// record in the journal are made from it.
type record struct {
	request    *http.Request
	source     *source
	start      time.Time     // when the headers were read
	duration   time.Duration // from start to the answer
	status     int           // HTTP status code of the answer
	result     result
	reason     string        // reason of a refusal, failure or duplicate; empty for resultStored and resultHandshakeAnswered
	err        error         // for the log; can be nil
	event      event.Event   // as given to the broker; zero for an earlier refusal
	secret     string        // label of the secret that verified the request
	publishing time.Duration // from the whole body to the broker's answer; 0 without an event
	unrouted   bool          // the event is stored and matches no route
	otherBody  bool          // the last event with this ID and action had another body
	copied     bool          // a duplicate by its signature: it came with another ID before
	met        bound         // the bound that left no room for the request
	rejected   *Rejected     // for the quarantine; nil: the request does not go there
}

// count counts the request in its source's metrics.
func (r *record) count(m *sourceMetrics) {
	m.requests[r.status].Inc()
	m.requestSeconds.Observe(r.duration.Seconds())
	if r.otherBody && r.result == resultStored {
		m.otherBodyStored.Inc()
	}
	if r.otherBody && r.result == resultDuplicate {
		m.otherBodyDuplicate.Inc()
	}
	if r.copied {
		m.copied.Inc()
	}
	if r.reason == reasonRemoved {
		m.removed.Inc()
	}
	if r.met != noBound {
		m.noRoom[string(r.met)].Inc()
	}
	switch r.result {
	case resultUnverified:
		m.verifyFailures[r.reason].Inc()
	case resultHandshakeAnswered:
		m.answered.Inc()
	case resultHandshakeRefused:
		m.refused.Inc()
	case resultNotStored:
		m.publishSeconds.Observe(r.publishing.Seconds())
		m.publishFailures[r.reason].Inc()
	case resultDuplicate:
		m.publishSeconds.Observe(r.publishing.Seconds())
		m.duplicates.Inc()
	case resultStored:
		m.publishSeconds.Observe(r.publishing.Seconds())
		m.accepted.Inc()
		if r.event.Action == event.Unreadable {
			m.unreadable.Inc()
		}
		if r.unrouted {
			m.unrouted.Inc()
		}
	}
}

// Counter counts requests for the audit. It is safe for concurrent use, and it works in memory.
type Counter interface {
	// Count adds one to a number of a source: broker.CountReceived, or one of about 20 reasons of a refusal, failure or
	// duplicate.
	Count(source, number string)
}

// noCounter ignores all counts.
type noCounter struct{}

func (noCounter) Count(string, string) {}

// Journal keeps the events for people. It is safe for concurrent use, and it never waits.
type Journal interface {
	// Stored records an event that the broker has stored, and the label of the secret that fitted.
	Stored(e event.Event, secret string)
}

// noJournal ignores all events.
type noJournal struct{}

func (noJournal) Stored(event.Event, string) {}

// recorder writes the records of requests to the log and the journal, and counts them.
type recorder struct {
	counter    Counter
	journal    Journal
	quarantine Quarantine // nil: rejected requests are not recorded
	proxies    trustedProxies
	strangers  *rate.Limiter // for log lines that anybody can cause
	shares     *rate.Limiter // for those about a client's share of the connections: each new connection of a flood causes one
	log        *zap.Logger
}

// record records a request before its sender reads the answer, so that an audit counts every answered request.
func (rc *recorder) record(r *record) {
	rc.audit(r)
	r.count(r.source.metrics)
	if r.result == resultStored {
		rc.journal.Stored(r.event, r.secret)
	}
	if r.rejected != nil {
		r.rejected.Status, r.rejected.Reason = r.status, r.reason
		rc.quarantine.Rejected(*r.rejected)
	}
	rc.write(r)
}

// audit counts the request for the audit. It leaves out unknown sources, because strangers could fill the table with them,
// and answered handshakes, because they bring no event.
func (rc *recorder) audit(r *record) {
	if r.source.name == unknownSource || r.result == resultHandshakeAnswered {
		return
	}
	rc.counter.Count(r.source.name, broker.CountReceived)
	if r.reason != "" {
		rc.counter.Count(r.source.name, r.reason)
	}
}

// write writes the request's one log line. It limits the number of lines that strangers can cause, because they could fill
// the disk. The metrics count every request.
func (rc *recorder) write(r *record) {
	source, took := zap.String("source", r.source.name), zap.Duration("took", r.duration)
	switch {
	case r.result == resultStored:
		level, text := zap.InfoLevel, "event stored"
		if r.unrouted {
			level, text = zap.WarnLevel, "event stored, but no route matches it: see `hookline unrouted list`"
		}
		fields := []zap.Field{source, took, zap.String("id", r.event.ID), zap.String("action", r.event.Action), zap.Int("bytes", len(r.event.Data)), zap.String("secret", r.secret)}
		if r.otherBody {
			fields = append(fields, zap.Bool("other_body", true))
		}
		rc.log.Log(level, text, fields...)
	case r.result == resultDuplicate:
		level, text := zap.InfoLevel, "event is a duplicate: it was stored before"
		switch {
		case r.copied:
			level, text = zap.WarnLevel, "event is a duplicate by its signature: the same signed body came before with another ID; if it is another event, set event.same_signature: new"
		case r.otherBody:
			level, text = zap.WarnLevel, "event is a duplicate by its ID, and its body differs from the stored one; if it is another event, write its place in event.id without unique:"
		}
		rc.log.Log(level, text, source, took, zap.String("id", r.event.ID), zap.String("action", r.event.Action), zap.String("secret", r.secret))
	case r.result == resultNotStored:
		rc.log.Error("event not stored", source, took, zap.String("id", r.event.ID), zap.String("action", r.event.Action), zap.String("reason", r.reason), zap.Error(r.err))
	case !rc.strangers.Allow():
	case r.result == resultHandshakeAnswered:
		rc.log.Info("handshake answered", source, took)
	case r.status == http.StatusServiceUnavailable:
		rc.log.Error("request not served", source, took, zap.String("reason", r.reason), zap.Error(r.err))
	default:
		rc.log.Warn("request refused", r.cause(), source, took, zap.Int("code", r.status), zap.String("reason", r.reason), zap.String("method", clip(r.request.Method, 16)),
			zap.String("path", clip(r.request.URL.Path, 128)), zap.String("client", rc.proxies.client(r.request)), zap.Error(r.err))
	}
}

// cause is the reason of a refusal in a sentence, where the quarantine has it.
func (r *record) cause() zap.Field {
	if r.rejected == nil {
		return zap.Skip()
	}
	_, summary, _ := r.rejected.Why()
	return zap.String("cause", summary)
}
