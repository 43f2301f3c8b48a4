package receiver

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/signature"
)

// Shares of a source's deadline in percent, counted from the end of the headers: the body is read by readShare, and the
// publish ends by publishShare. The rest is for sending the answer.
const (
	readShare    = 60
	publishShare = 80
)

// ingest receives one message: it reads, verifies and publishes it, and then answers.
func (rc *Receiver) ingest(w http.ResponseWriter, r *http.Request, s *source, start time.Time) *answer {
	h := holder{rc.recorder.proxies.holder(r), s.share}
	if met := rc.slots.take(1, h, 1); met != noBound {
		return shed(reasonTooMany, met, met.usedUp("limits.max_requests", h))
	}
	defer rc.slots.release(1, h)
	if s.Deadline > rc.config.ReadTimeout { // otherwise the server's own write deadline is long enough
		_ = http.NewResponseController(w).SetWriteDeadline(start.Add(s.Deadline + writeMargin))
	}
	reader := bodyReader{memory: rc.memory, holder: h, limit: s.MaxBody,
		rate: rc.config.MinBodyRate, start: start, end: start.Add(s.Deadline / 100 * readShare)}
	body, refused := reader.read(w, r)
	defer reader.release()
	if refused != nil {
		return refused
	}
	now := time.Now()
	proof, err := s.verifier.Verify(rc.signed(r, s, body), now)
	if err != nil {
		return rc.refuseUnverified(r, s, body, err, now)
	}
	if proof.Timed {
		rc.clock.confirm(rc.read(now))
	}
	p := newPayload(r.Header, body, s.extractor.xmlPaths)
	if a := s.Handshake.answerPost(p, proof); a != nil {
		if a.result == resultHandshakeRefused {
			a.rejected = rc.reject(r, s, body, now)
		}
		return a
	}
	if wait := s.wait(now); wait > 0 {
		return refuseRate(wait)
	}
	found := s.extractor.read(p)
	e, m := s.event(r, p, found, now), s.repeats.mark(found, body, proof, s.unsignedID)
	if m.copied {
		err = broker.ErrDuplicate
	} else {
		// The publish continues if the sender hangs up: the event is verified and complete, and a repeat has the same ID.
		err = rc.publisher.Publish(s.deadlines.Until(start.Add(s.Deadline/100*publishShare)), e)
	}
	a := published(e, err)
	a.secret, a.publishing, a.otherBody, a.copied = proof.Label, time.Since(now), m.otherBody, m.copied
	if s.Handshake.Kind == SlackURL && p.form != nil && a.status == http.StatusOK {
		a.body = nil // Slack shows the answer to a command or a dialog to the person who sent it
	}
	a.unrouted = a.result == resultStored && !rc.config.Routed(e.Key())
	if a.result != resultNotStored && !m.copied {
		s.repeats.remember(m)
	}
	return a
}

// signed returns the request for package signature. It has a URL only if the scheme signs the URL.
func (rc *Receiver) signed(r *http.Request, s *source, body []byte) signature.Request {
	request := signature.Request{Method: r.Method, Header: r.Header, Body: body}
	if r.URL.RawQuery != "" {
		request.Query = r.URL.Query()
	}
	if strings.Contains(s.Verify.Template, "{url}") {
		request.URL = rc.publicURL(r)
	}
	return request
}

// publicURL returns the address that the sender used. It begins with Config.PublicURL, or else with https, because senders
// insist on TLS, and TLS usually ends at a proxy in front of the receiver.
func (rc *Receiver) publicURL(r *http.Request) string {
	if rc.config.PublicURL != "" {
		return strings.TrimSuffix(rc.config.PublicURL, "/") + r.URL.RequestURI()
	}
	return (&url.URL{Scheme: "https", Host: r.Host}).String() + r.URL.RequestURI()
}
