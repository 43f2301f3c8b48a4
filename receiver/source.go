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
	"github.com/hookline/hookline/pkg/setting"
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

// The values of Source.WhenDown.
const (
	Spool  = "spool"  // the receiver keeps the event on this machine's disk and answers 200
	Refuse = "refuse" // the receiver answers 503, so that the sender keeps the event and repeats it
)

// Source is the configuration of one sender: how it signs, how its handshake works, where its messages name the event, and how long and
// large they may be. Preset returns one for a known sender; every field can be changed.
type Source struct {
	// Verify says how the sender proves that a message is its own.
	Verify signature.Scheme `yaml:"verify"`
	// Secrets are the sender's secrets: one, or several while they are rotated. Without a valid secret, every message is answered 503.
	Secrets signature.Secrets `yaml:"secrets"`
	// WeakSecrets takes secrets that a stranger can guess: placeholders such as change-me, and those under 16 bytes (decoded; of basic, the
	// password). Set it only for a sender that can do no better. A warning stays at the start, in `config check` and in /readyz.
	WeakSecrets bool `yaml:"weak_secrets,omitempty"`
	// Handshake is the question that the sender asks before it sends.
	Handshake Handshake `yaml:"handshake,omitempty"`
	// Event says where messages name their ID and their action.
	Event Extract `yaml:"event"`
	// Deadline is how long the sender waits for its answer, at most 5m. The receiver answers before that, if need be with 503.
	Deadline time.Duration `yaml:"deadline"`
	// WhenDown is for an event that RabbitMQ cannot store: spool keeps it on the receiver's disk and answers 200, refuse answers 503. The
	// embedded broker does not use it.
	WhenDown string `yaml:"when_down" schema:"enum=spool|refuse"`
	// MaxBody is the largest body in bytes; a larger one is answered 413. RabbitMQ takes 16777216 bytes (16 MiB) at most.
	MaxBody int64 `yaml:"max_body" schema:"minimum=1; maximum=67108864"`
	// Rate limits verified messages.
	Rate Rate `yaml:"rate,omitempty"`
	// Redact removes personal data from each event before it is stored. Hookline does not store the original, and drops a body that it
	// cannot read.
	Redact *privacy.Config `yaml:"redact,omitempty"`
	// KeepHeaders are the request headers that an event keeps, at most 32; values are cut to 512 bytes. Content-Encoding is always kept.
	// Headers that carry credentials are refused.
	KeepHeaders []string `yaml:"keep_headers,omitempty,flow"`
}

// Defaults returns the defaults of a Source.
func Defaults() Source {
	return Source{Deadline: DefaultDeadline, WhenDown: Spool, MaxBody: DefaultMaxBody}
}

// Rate is a limit on verified messages. More are answered 429, which some senders (Alma) never repeat: set it only for senders that do.
type Rate struct {
	// PerSecond is how many messages a second are taken in the long run; 0 is no limit.
	PerSecond float64 `yaml:"per_second" schema:"minimum=0"`
	// Burst is how many messages are taken at once; 0 is as many as in one second.
	Burst int `yaml:"burst" schema:"minimum=0"`
}

// MarshalYAML shows the rate as 5/s.
func (r Rate) MarshalYAML() (any, error) { return fmt.Sprintf("%g/s", r.PerSecond), nil }

// source is a checked Source with its runtime state.
type source struct {
	Source
	name       string
	share      string // the name; empty for the only source, which has no share
	verifier   *signature.Verifier
	extractor  extractor
	redactor   *privacy.Redactor // nil: events are stored as they came
	repeats    *repeats
	rejections *rejections
	// unsignedID: a message with a known signature and another ID is a repeat
	unsignedID bool
	limiter    *rate.Limiter // nil: no limit
	deadlines  deadline.Shared
	metrics    *sourceMetrics
}

// Sources holds checked sources by name. It must not change after a Receiver got it.
type Sources map[string]*source

// Add checks a source and adds it under its name. The error joins one setting.FieldError for each mistake.
func (all Sources) Add(name string, s Source) error {
	made, err := newSource(name, s)
	if err != nil {
		return err
	}
	all[name] = made
	return nil
}

// Verifier returns the verifier of a source; nil without a source of that name.
func (all Sources) Verifier(name string) *signature.Verifier {
	if s := all[name]; s != nil {
		return s.verifier
	}
	return nil
}

// newSource checks s and returns it as a source. Reload adds the metrics.
func newSource(name string, s Source) (*source, error) {
	usual := Defaults()
	setDefault(&s.Deadline, usual.Deadline)
	setDefault(&s.MaxBody, usual.MaxBody)
	setDefault(&s.WhenDown, usual.WhenDown)
	var errs setting.Errors
	errs.Add("", event.CheckSource(name))
	if name == unknownSource {
		errs.Addf("", "source %q: the name is taken by the metrics; choose another", name)
	}
	s.checkLimits(&errs)
	errs.Add("handshake", s.Handshake.check())
	if s.Handshake.Kind == ZoomURL && s.Verify.Kind != signature.HMAC {
		errs.Addf("handshake", "%s answers with an HMAC, so verify has to be of kind %s", ZoomURL, signature.HMAC)
	}
	made := &source{name: name, limiter: s.Rate.limiter(), repeats: newRepeats(), rejections: newRejections()}
	var err error
	s.KeepHeaders, err = keepHeaders(s.KeepHeaders, s.Verify)
	errs.Add("keep_headers", err)
	made.extractor, err = newExtractor(s.Event)
	errs.Add("event", err)
	made.verifier, err = signature.New(s.Verify, s.Secrets)
	errs.Add("verify", err)
	made.unsignedID = err == nil && s.Event.SameSignature != SameSignatureNew && made.extractor.unsignedID(made.verifier)
	if !s.WeakSecrets {
		errs.Add("secrets", s.checkStrength())
	}
	if s.Redact != nil {
		made.redactor, err = privacy.New(*s.Redact)
		errs.Add("redact", err)
	}
	made.Source = s
	return made, errs.Err()
}

// Weakness returns an error that names each secret that a stranger can guess, also with WeakSecrets.
func (s Source) Weakness() error { return signature.CheckStrength(s.Verify, s.Secrets) }

func (s Source) checkStrength() error {
	if err := s.Weakness(); err != nil {
		return fmt.Errorf("%w; put a random secret here and at the sender (`hookline config secret FILE` makes one), or write weak_secrets: true for a sender that can do no better", err)
	}
	return nil
}

func (s Source) checkLimits(errs *setting.Errors) {
	if s.Deadline < 0 || s.Deadline > MaxDeadline {
		errs.Addf("deadline", "%v is not between 0 and %v", s.Deadline, MaxDeadline)
	}
	if s.WhenDown != Spool && s.WhenDown != Refuse {
		errs.Addf("when_down", "%q is neither %s nor %s", s.WhenDown, Spool, Refuse)
	}
	if s.MaxBody < 0 || s.MaxBody > MaxMaxBody {
		errs.Addf("max_body", "%d is not between 0 and %d bytes", s.MaxBody, MaxMaxBody)
	}
	if !(s.Rate.PerSecond >= 0) || s.Rate.Burst < 0 { // so that NaN is wrong too
		errs.Addf("rate", "a rate is 0, which is no limit, or more")
	}
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

// wait takes one message out of the rate's quota. If the quota is used up, it returns the time until the next message.
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

// keepHeaders returns the canonical names, and adds Content-Encoding for the readers of compressed bodies.
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
		case name == privacy.Header || name == AdmittedHeader:
			errs = append(errs, fmt.Errorf("%s is set by Hookline, not by the sender", name))
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

// header returns the headers that events keep; nil if there are none.
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

// event returns the event of a payload. Its identity is that of the signed body, and redaction comes after that.
func (s *source) event(r *http.Request, p *payload, found identity, now time.Time) event.Event {
	e := event.Event{
		ID: found.id, Source: s.name, Action: found.action,
		Time:        now.UTC().Truncate(time.Millisecond),
		ContentType: clip(r.Header.Get("Content-Type"), maxHeaderValue),
		Header:      s.header(r.Header),
		Data:        p.body,
	}
	if s.redactor != nil {
		e, _ = s.redactor.Event(e) // on an error Event removes the body and marks the header
	}
	return e
}

// clip cuts a text of a stranger to at most n bytes.
func clip(s string, n int) string { return s[:min(len(s), n)] }
