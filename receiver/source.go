package receiver

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/time/rate"

	"github.com/hookline/hookline/pkg/deadline"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/privacy"
	"github.com/hookline/hookline/pkg/signature"
)

// Limits and defaults of a source.
const (
	DefaultDeadline = 10 * time.Second
	MaxDeadline     = 5 * time.Minute
	DefaultMaxBody  = 1 << 20
	MaxMaxBody      = 64 << 20
	MaxKeepHeaders  = 32
	maxHeaderValue  = 512
)

// What becomes of an event that the line cannot store; see Source.WhenDown.
const (
	Spool  = "spool"  // it is kept on this machine's disk and answered 200
	Refuse = "refuse" // it is answered 503: the sender is the better place to keep it
)

// Source says all about one sender: how it signs, what it asks before it sends, where its messages name the event,
// and how long and large they may be. Preset gives one that can be changed field by field.
type Source struct {
	// Verify is how the sender proves that a message is its own.
	Verify signature.Scheme `yaml:"verify"`
	// Secrets are those that are valid now or later; without any, every message is answered 503.
	Secrets []signature.Secret `yaml:"-"`
	// Handshake is what the sender asks before it sends; the zero value is none.
	Handshake Handshake `yaml:"handshake"`
	// Event is where messages name their ID and action.
	Event Extract `yaml:"event"`
	// Deadline is how long the sender waits for its answer; the receiver answers before that, if need be with 503.
	// 0 is DefaultDeadline, at most MaxDeadline.
	Deadline time.Duration `yaml:"deadline"`
	// WhenDown is Spool or Refuse: what becomes of an event that the line cannot store. "" is Spool. The receiver itself does
	// nothing with it but check it: it is for whoever gives the receiver its line.
	WhenDown string `yaml:"when_down"`
	// MaxBody is the largest body in bytes; a larger one is answered 413. 0 is DefaultMaxBody, at most MaxMaxBody.
	MaxBody int64 `yaml:"max_body"`
	// Rate limits verified messages; the zero value does not.
	Rate Rate `yaml:"rate"`
	// KeepHeaders are the request headers that an event keeps, at most MaxKeepHeaders; values are cut to 512 bytes.
	// Content-Encoding is always kept. Headers that carry credentials are refused.
	KeepHeaders []string `yaml:"keep_headers"`
	// Redact takes personal data out of each event before it is stored; what was signed is then kept nowhere, and a body that cannot
	// be read is not kept at all. nil: events are stored as they came.
	Redact *privacy.Redactor `yaml:"-"`
}

// Rate allows PerSecond messages a second in the long run and Burst at once. More are answered 429, which some senders
// (Alma) never repeat: set it only for senders that do. PerSecond 0 is no limit; Burst 0 is one second's worth.
type Rate struct {
	PerSecond float64 `yaml:"per_second"`
	Burst     int     `yaml:"burst"`
}

// source is a Source made ready for use.
type source struct {
	Source
	name      string
	verifier  *signature.Verifier
	extractor extractor
	limiter   *rate.Limiter // nil: no limit
	deadlines deadline.Shared
	metrics   *sourceMetrics
}

// FieldError says what is wrong with one field of a source.
type FieldError struct {
	Source string
	Field  string // as in the configuration file; empty for the source as a whole
	Err    error
}

func (e *FieldError) Error() string {
	if e.Field == "" {
		return e.Err.Error()
	}
	return fmt.Sprintf("sources.%s.%s: %v", e.Source, e.Field, e.Err)
}

func (e *FieldError) Unwrap() error { return e.Err }

// Check tells everything that is wrong with a source of that name: a FieldError each, joined.
func (s Source) Check(name string) error {
	_, err := newSource(name, s)
	return err
}

// newSource checks all of s. The metrics are still missing.
func newSource(name string, s Source) (*source, error) {
	if s.Deadline == 0 {
		s.Deadline = DefaultDeadline
	}
	if s.MaxBody == 0 {
		s.MaxBody = DefaultMaxBody
	}
	var errs []error
	wrong := func(field, format string, args ...any) {
		errs = append(errs, &FieldError{name, field, fmt.Errorf(format, args...)})
	}
	if err := event.CheckSource(name); err != nil {
		wrong("", "%w", err)
	}
	if name == unknownSource {
		wrong("", "source %q: the name is taken by the metrics; choose another", name)
	}
	if s.Deadline < 0 || s.Deadline > MaxDeadline {
		wrong("deadline", "%v is not between 0 and %v", s.Deadline, MaxDeadline)
	}
	if s.WhenDown != "" && s.WhenDown != Spool && s.WhenDown != Refuse {
		wrong("when_down", "%q is neither %s nor %s", s.WhenDown, Spool, Refuse)
	}
	if s.MaxBody < 0 || s.MaxBody > MaxMaxBody {
		wrong("max_body", "%d is not between 0 and %d bytes", s.MaxBody, MaxMaxBody)
	}
	if !(s.Rate.PerSecond >= 0) || s.Rate.Burst < 0 { // so that NaN is wrong too
		wrong("rate", "a rate is 0, which is no limit, or more")
	}
	if err := s.Handshake.check(); err != nil {
		wrong("handshake", "%w", err)
	}
	if s.Handshake.Kind == ZoomURL && s.Verify.Kind != signature.HMAC {
		wrong("handshake", "%s answers with an HMAC, so verify has to be of kind %s", ZoomURL, signature.HMAC)
	}
	kept, err := keepHeaders(s.KeepHeaders, s.Verify)
	if err != nil {
		wrong("keep_headers", "%w", err)
	}
	s.KeepHeaders = kept
	extractor, err := newExtractor(s.Event)
	if err != nil {
		wrong("event", "%w", err)
	}
	verifier, err := signature.New(s.Verify, s.Secrets)
	if err != nil {
		wrong("verify", "%w", err)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return &source{Source: s, name: name, verifier: verifier, extractor: extractor, limiter: s.Rate.limiter()}, nil
}

func (r Rate) limiter() *rate.Limiter {
	if r.PerSecond == 0 {
		return nil
	}
	burst := r.Burst
	if burst == 0 {
		burst = max(1, int(r.PerSecond))
	}
	return rate.NewLimiter(rate.Limit(r.PerSecond), burst)
}

// wait takes one message out of the quota, or tells how long the sender should wait.
func (s *source) wait(now time.Time) time.Duration {
	if s.limiter == nil {
		return 0
	}
	reservation := s.limiter.ReserveN(now, 1)
	delay := reservation.DelayFrom(now)
	if delay > 0 {
		reservation.CancelAt(now)
	}
	return delay
}

// keepHeaders are the canonical names, with Content-Encoding: without it nobody could read a compressed body.
func keepHeaders(names []string, scheme signature.Scheme) ([]string, error) {
	refused := credentialHeaders(scheme)
	kept := []string{"Content-Encoding"}
	var errs []error
	for _, name := range names {
		name = http.CanonicalHeaderKey(name)
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			errs = append(errs, fmt.Errorf("%q is not the name of a header", name))
		case slices.Contains(refused, name):
			errs = append(errs, fmt.Errorf("%s carries credentials and is never kept", name))
		case name == privacy.Header:
			errs = append(errs, fmt.Errorf("%s is for us to say, not for the sender", name))
		case !slices.Contains(kept, name):
			kept = append(kept, name)
		}
	}
	if len(kept) > MaxKeepHeaders {
		errs = append(errs, fmt.Errorf("%d headers; the limit is %d", len(kept), MaxKeepHeaders))
	}
	return kept, errors.Join(errs...)
}

func credentialHeaders(scheme signature.Scheme) []string {
	headers := []string{"Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key"}
	if name, ok := strings.CutPrefix(scheme.Token, "header:"); ok {
		headers = append(headers, http.CanonicalHeaderKey(name))
	}
	return headers
}

// header picks the headers to keep; nil if there are none.
func (s *source) header(h http.Header) map[string]string {
	var kept map[string]string
	for _, name := range s.KeepHeaders {
		value := h.Get(name)
		if value == "" {
			continue
		}
		if kept == nil {
			kept = make(map[string]string, len(s.KeepHeaders))
		}
		kept[name] = strings.ToValidUTF8(clip(value, maxHeaderValue), "_")
	}
	return kept
}

// clip cuts what comes from outside to at most n bytes.
func clip(s string, n int) string { return s[:min(len(s), n)] }
