package signature

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Scheme describes how a sender proves its identity. It is data: start from a Preset and change its fields.
//
// A location is "header:NAME", "query:NAME" or "json:PATH" (a gjson path into the body).
type Scheme struct {
	// Kind is hmac, a signature over the request, or token, the secret itself.
	Kind Kind `yaml:"kind" schema:"enum=hmac|token"`

	// Token is the location of the secret, for kind token: header:NAME, query:NAME, json:PATH, bearer or basic.
	Token string `yaml:"token,omitempty"`

	// Algorithm is the hash function of the HMAC.
	Algorithm Algorithm `yaml:"algorithm,omitempty" schema:"enum=sha1|sha256|sha512; default=sha256"`
	// KeyEncoding is the form in which a secret contains the key: raw are its bytes.
	KeyEncoding Encoding `yaml:"key_encoding,omitempty" schema:"enum=raw|hex|base64; default=raw"`
	// KeyPrefix is removed from a secret before decoding: whsec_.
	KeyPrefix string `yaml:"key_prefix,omitempty"`
	// Template is the signed string: text with {body} {id} {timestamp} {method} {url} {header:X} {query:x} {json:path}.
	Template string `yaml:"template,omitempty"`
	// Signature says where signatures are and how they are written.
	Signature Signature `yaml:"signature,omitempty"`
	// Timestamp says where the time is that {timestamp} signs.
	Timestamp Timestamp `yaml:"timestamp,omitempty"`
	// ID is the location of the message ID that {id} signs.
	ID string `yaml:"id,omitempty"`
}

// Signature describes the signatures of a request.
type Signature struct {
	// In is the location of the signature, or of a list of signatures: header:NAME, query:NAME or json:PATH.
	In string `yaml:"in"`
	// Separator divides a list such as t=1,v1=ab,v1=cd; empty: there is one signature. One valid signature of a list is enough.
	Separator string `yaml:"separator,omitempty"`
	// Prefix begins each signature: sha256=. Items of a list without it are ignored.
	Prefix string `yaml:"prefix,omitempty"`
	// Encoding is the form of the signature: hex in either case, base64 with padding, or base64url with or without.
	Encoding Encoding `yaml:"encoding,omitempty" schema:"enum=hex|base64|base64url; default=hex"`
}

// Timestamp describes the time that a sender signs.
type Timestamp struct {
	// In is the location of the time, as for signature; signature:KEY is the item KEY=TIME of the list of signatures.
	In string `yaml:"in"`
	// Unit is s (Unix seconds), ms (Unix milliseconds) or rfc3339.
	Unit Unit `yaml:"unit,omitempty" schema:"enum=s|ms|rfc3339; default=s"`
	// Tolerance is how far the time may be from the receiver's clock, in the past and in the future.
	Tolerance time.Duration `yaml:"tolerance,omitempty" schema:"default=5m"`
}

// DefaultTolerance is the recommendation of Stripe, Slack and Standard Webhooks.
const DefaultTolerance = 5 * time.Minute

// Kind is the kind of proof that a sender gives.
type Kind string

// The kinds: a signature over the request, or the secret itself.
const (
	HMAC  Kind = "hmac"
	Token Kind = "token"
)

// Algorithm is the hash function of an HMAC.
type Algorithm string

// The algorithms. SHA1 is for senders without a better one; as an HMAC it is not known to be broken.
const (
	SHA1   Algorithm = "sha1"
	SHA256 Algorithm = "sha256"
	SHA512 Algorithm = "sha512"
)

// Encoding is a text form of bytes.
type Encoding string

// The encodings. Raw is for keys, Base64URL for signatures only.
const (
	Raw       Encoding = "raw"
	Hex       Encoding = "hex"
	Base64    Encoding = "base64"
	Base64URL Encoding = "base64url"
)

// Unit is a text form of a time.
type Unit string

// The units.
const (
	Seconds      Unit = "s"
	Milliseconds Unit = "ms"
	RFC3339      Unit = "rfc3339"
)

// checkToken checks a scheme of kind token and returns all errors at once.
func checkToken(s Scheme) (location, error) {
	p, err := parseLocation(s.Token, inBearer, inBasic)
	if err != nil {
		err = fmt.Errorf("token: %w", err)
	}
	var unused error
	if s != (Scheme{Kind: Token, Token: s.Token}) {
		unused = errors.New("kind token uses the field token only: leave out algorithm, key_encoding, key_prefix, template, signature, timestamp and id")
	}
	return p, errors.Join(err, unused)
}

// checkHMAC checks a scheme of kind hmac with its defaults filled in, and returns all errors at once.
func checkHMAC(s Scheme) (*hmacMethod, error) {
	var c checks
	if s.Token != "" {
		c.wrong("token", `is for kind token only: leave it out, or write token: "" if a preset sets it`)
	}
	oneOf(&c, "algorithm", s.Algorithm, SHA1, SHA256, SHA512)
	oneOf(&c, "key_encoding", s.KeyEncoding, Raw, Hex, Base64)
	oneOf(&c, "signature.encoding", s.Signature.Encoding, Hex, Base64, Base64URL)
	m := &hmacMethod{
		template: c.template(s.Template),
		list: signatureList{
			location:  c.location("signature.in", s.Signature.In),
			separator: s.Signature.Separator,
			prefix:    s.Signature.Prefix,
			encoding:  s.Signature.Encoding,
			size:      s.Algorithm.hash()().Size(),
		},
	}
	if c.needed("timestamp.in", s.Timestamp.In, m.template.uses(varTimestamp)) {
		m.timestamp = c.timestamp(s)
	}
	if c.needed("id", s.ID, m.template.uses(varID)) {
		m.id = c.location("id", s.ID)
	}
	return m, errors.Join(c.errs...)
}

// withDefaults fills in the defaults of a scheme of kind hmac.
func (s Scheme) withDefaults() Scheme {
	s.Algorithm = cmp.Or(s.Algorithm, SHA256)
	s.KeyEncoding = cmp.Or(s.KeyEncoding, Raw)
	s.Signature.Encoding = cmp.Or(s.Signature.Encoding, Hex)
	s.Timestamp.Unit = cmp.Or(s.Timestamp.Unit, Seconds)
	s.Timestamp.Tolerance = cmp.Or(s.Timestamp.Tolerance, DefaultTolerance)
	return s
}

// checks collects errors, each under the name of its field.
type checks struct{ errs []error }

func (c *checks) wrong(field, format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf(field+": "+format, args...))
}

func (c *checks) location(field, text string, more ...string) location {
	p, err := parseLocation(text, more...)
	if err != nil {
		c.wrong(field, "%w", err)
	}
	return p
}

func (c *checks) template(text string) template {
	t, err := parseTemplate(text)
	if err != nil {
		c.wrong("template", "%w", err)
	} else if !t.signsBody() {
		c.wrong("template", "%q signs nothing of the body; put {body} or {json:PATH} into it", text)
	}
	return t
}

// needed reports whether the template uses the field. A field that is set and not signed is an error, because it would protect nothing.
func (c *checks) needed(field, value string, used bool) bool {
	name, _, _ := strings.Cut(field, ".")
	if !used && value != "" {
		c.wrong(field, "the template does not sign {%s}: use it there, or leave this out", name)
	}
	return used
}

func (c *checks) timestamp(s Scheme) signedTime {
	t := s.Timestamp
	oneOf(c, "timestamp.unit", t.Unit, Seconds, Milliseconds, RFC3339)
	if t.Tolerance < 0 {
		c.wrong("timestamp.tolerance", "%v is negative; leave it out for %v", t.Tolerance, DefaultTolerance)
	}
	p := c.location("timestamp.in", t.In, inSignature+":")
	if p.kind == inSignature && s.Signature.Separator == "" {
		c.wrong("signature.separator", "%q needs a list; give the separator of its items", t.In)
	}
	return signedTime{p, t.Unit, t.Tolerance}
}

func oneOf[T ~string](c *checks, field string, value T, known ...T) {
	for _, k := range known {
		if value == k {
			return
		}
	}
	c.wrong(field, "%q is not known; there are %v", value, known)
}
