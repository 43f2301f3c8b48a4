package receiver

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/signature"
)

// Shares of a source's deadline, in percent from the moment the headers were read. The rest is for the way back.
const (
	readShare    = 60
	publishShare = 80
)

// post takes one message: read, verify, store, answer.
func (rc *Receiver) post(w http.ResponseWriter, r *http.Request, s *source, start time.Time) *answer {
	if !rc.slots.TryAcquire(1) {
		return shed(tooMany)
	}
	defer rc.slots.Release(1)
	control := http.NewResponseController(w) // net/http's connections all can set deadlines
	_ = control.SetReadDeadline(start.Add(s.Deadline / 100 * readShare))
	if s.Deadline > rc.config.ReadTimeout { // else the server's own is enough
		_ = control.SetWriteDeadline(start.Add(s.Deadline + writeMargin))
	}
	body, held, refused := rc.body(w, r, s.MaxBody)
	defer rc.memory.Release(held)
	if refused != nil {
		return refused
	}
	now := time.Now()
	secret, err := s.verifier.Verify(rc.signed(r, s, body), now)
	if err != nil {
		return s.metrics.unverified(refuseSignature(err))
	}
	m := newMessage(r.Header, body, s.extractor.xmlPaths)
	if a := s.postedHandshake(m, now); a != nil {
		return a
	}
	if wait := s.wait(now); wait > 0 {
		return refuseRate(wait)
	}
	e := s.event(r, m, now)
	err = rc.publish(s, e, now, start.Add(s.Deadline/100*publishShare))
	switch {
	case errors.Is(err, broker.ErrDuplicate):
		s.metrics.duplicates.Inc()
		return storedBefore(e, secret)
	case err != nil:
		return s.metrics.unpublished(notStored(e, err))
	}
	a := stored(e, secret)
	a.unrouted = rc.count(s, e)
	return a
}

// signed is the request as package signature wants it. The URL is made only where the scheme signs it.
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

// publicURL is the address as the sender knows it. Without Config.PublicURL https is assumed: senders insist on it,
// and TLS usually ends at a proxy before us.
func (rc *Receiver) publicURL(r *http.Request) string {
	if rc.config.PublicURL != "" {
		return strings.TrimSuffix(rc.config.PublicURL, "/") + r.URL.RequestURI()
	}
	return (&url.URL{Scheme: "https", Host: r.Host}).String() + r.URL.RequestURI()
}

// event takes ID and action out of the body as it was signed, and redacts it then.
func (s *source) event(r *http.Request, m *message, now time.Time) event.Event {
	id, action := s.extractor.read(m)
	e := event.Event{
		ID: id, Source: s.name, Action: action,
		Time:        now.UTC().Truncate(time.Millisecond),
		ContentType: clip(r.Header.Get("Content-Type"), maxHeaderValue),
		Header:      s.header(r.Header),
		Data:        m.body,
	}
	if s.Redact != nil {
		e, _ = s.Redact.Event(e) // what cannot be redacted has lost its body, and says so
	}
	return e
}

// publish goes on when the sender hangs up: the event is verified and complete, and a repeat has the same ID.
func (rc *Receiver) publish(s *source, e event.Event, now, until time.Time) error {
	err := rc.pub.Publish(s.deadlines.Until(until), e)
	s.metrics.publishSeconds.Observe(time.Since(now).Seconds())
	return err
}

// count counts an event that is stored, and tells whether no route takes it.
func (rc *Receiver) count(s *source, e event.Event) (unrouted bool) {
	s.metrics.accepted.Inc()
	if e.Action == event.Unreadable {
		s.metrics.unreadable.Inc()
	}
	if unrouted = !rc.config.Routed(e.Key()); unrouted {
		s.metrics.unrouted.Inc()
	}
	return unrouted
}
