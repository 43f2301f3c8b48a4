package receiver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/signature"
)

// AdmittedHeader is the header of events that were rejected requests. Its value is the time at which the request came, in RFC 3339, and
// "; unverified" if a person admitted it without a right signature.
const AdmittedHeader = "Hookline-Admitted"

// ErrNotAdmitted says that a rejected request can become no event now. The text of the error that wraps it names the reason and the next step.
var ErrNotAdmitted = errors.New("the request cannot be admitted")

// admission is a rejected request that can become an event.
type admission struct {
	source  *source
	request *http.Request
	payload *payload
	proof   signature.Proof // zero without a verified signature
}

// Admissible returns nil if the request would be let in with the present configuration at the time at which it came, and otherwise an
// ErrNotAdmitted that says why.
func (rc *Receiver) Admissible(r Rejected) error {
	_, err := rc.admission(r, "")
	return err
}

// Readmit makes an event of a rejected request, after its cause was removed, and returns the event's ID once the broker has stored it. The
// signature has to fit with the present configuration at the time at which the request came. With a reason of a person in
// unverified, it need not; the caller writes down who did so before. The event's time is now.
//
// The second event of one request is a duplicate, as is the sender's repeat: the error is then broker.ErrDuplicate, and the ID that of
// the stored event. Other errors are ErrNotAdmitted and those of the broker, after which Readmit can be called again.
func (rc *Receiver) Readmit(ctx context.Context, r Rejected, unverified string) (id string, err error) {
	a, err := rc.admission(r, unverified)
	if err != nil {
		return "", err
	}
	s, found := a.source, a.source.extractor.read(a.payload)
	if found.made { // so that a second admission is a duplicate
		found.id = event.NewIDWithDigest("", r.Body, []byte(r.Source), []byte(r.Time.UTC().Format(time.RFC3339Nano)))
	}
	e := s.event(a.request, a.payload, found, time.Now())
	e.Header = a.mark(e.Header, r.Time, unverified)
	m := s.repeats.mark(found, r.Body, a.proof, s.unsignedID && unverified == "")
	if m.copied {
		return e.ID, broker.ErrDuplicate
	}
	err = rc.publisher.Publish(ctx, e)
	rc.recorder.readmitted(s, e, a.proof.Label, unverified, err)
	switch {
	case err == nil, errors.Is(err, broker.ErrDuplicate):
		s.repeats.remember(m)
		return e.ID, err
	}
	return "", fmt.Errorf("admit a rejected request of source %s: %w", r.Source, err)
}

// admission checks a request as it was when it came.
func (rc *Receiver) admission(r Rejected, unverified string) (*admission, error) {
	s := rc.served.Load().sources[r.Source]
	target, err := url.ParseRequestURI(withQuery(r.Path, r.Query))
	switch {
	case s == nil:
		return nil, notAdmitted("no source has the name %q; add it to hookline.yml, and let the sender send again", clip(r.Source, event.MaxSource))
	case r.Cut:
		return nil, notAdmitted("its body was not kept whole; let the sender send again")
	case r.Method != http.MethodPost || err != nil:
		return nil, notAdmitted("it brings no event, but asks a question; let the sender ask again")
	}
	request := &http.Request{Method: r.Method, URL: target, Header: r.Header, Host: r.Header.Get("Host")}
	a := &admission{source: s, request: request, payload: newPayload(r.Header, r.Body, s.extractor.xmlPaths)}
	if unverified != "" {
		return a, nil
	}
	if s.Verify.Kind == signature.Token {
		return nil, notAdmitted("its token is not kept, so nobody can check it again; admit it with a reason if you know its sender")
	}
	if a.proof, err = s.verifier.Verify(rc.signed(request, s, r.Body), r.Time); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotAdmitted, err)
	}
	if s.Handshake.answerPost(a.payload, a.proof) != nil {
		return nil, notAdmitted("it brings no event, but asks a question; let the sender ask again")
	}
	return a, nil
}

func withQuery(path, query string) string {
	if query == "" {
		return path
	}
	return path + "?" + query
}

func notAdmitted(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrNotAdmitted, fmt.Sprintf(format, args...))
}

// mark adds AdmittedHeader.
func (a *admission) mark(header map[string]string, came time.Time, unverified string) map[string]string {
	if header == nil {
		header = map[string]string{}
	}
	header[AdmittedHeader] = came.UTC().Format(time.RFC3339)
	if unverified != "" {
		header[AdmittedHeader] += "; unverified"
	}
	return header
}

// readmitted records that a rejected request became an event. The audit counted the request when it was rejected, and counts it again.
func (rc *recorder) readmitted(s *source, e event.Event, secret, unverified string, err error) {
	rc.counter.Count(s.name, broker.CountReceived)
	fields := []zap.Field{zap.String("source", s.name), zap.String("id", e.ID), zap.String("action", e.Action), zap.String("secret", secret), zap.String("unverified", strings.ToValidUTF8(clip(unverified, 256), "_"))}
	switch {
	case err == nil:
		s.metrics.readmitted.Inc()
		rc.journal.Stored(e, secret)
		rc.log.Info("rejected request admitted: its event is stored", fields...)
	case errors.Is(err, broker.ErrDuplicate):
		rc.counter.Count(s.name, broker.CountDuplicate)
		rc.log.Info("rejected request admitted: its event was stored before", fields...)
	default:
		rc.counter.Count(s.name, broker.Reason(err))
	}
}
