package signature

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

// checkToken reads a scheme of kind token and tells everything that is wrong with it.
func checkToken(s Scheme) (place, error) {
	p, err := parsePlace(s.Token, inBearer, inBasic)
	if err != nil {
		err = fmt.Errorf("token: %w", err)
	}
	var unused error
	if s != (Scheme{Kind: Token, Token: s.Token}) {
		unused = errors.New("kind token uses the field token only: leave out algorithm, key_encoding, key_prefix, template, signature, timestamp and id")
	}
	return p, errors.Join(err, unused)
}

// checkHMAC reads a scheme of kind hmac, whose defaults are filled in, and tells everything that is wrong with it.
func checkHMAC(s Scheme) (*hmacMethod, error) {
	var c checks
	if s.Token != "" {
		c.wrong("token", "is for kind token only: leave it out")
	}
	oneOf(&c, "algorithm", s.Algorithm, SHA1, SHA256, SHA512)
	oneOf(&c, "key_encoding", s.KeyEncoding, Raw, Hex, Base64)
	oneOf(&c, "signature.encoding", s.Signature.Encoding, Hex, Base64, Base64URL)
	m := &hmacMethod{
		template: c.template(s.Template),
		list: list{
			place:     c.place("signature.in", s.Signature.In),
			separator: s.Signature.Separator,
			prefix:    s.Signature.Prefix,
			encoding:  s.Signature.Encoding,
			size:      s.Algorithm.hash()().Size(),
		},
	}
	if c.needed("timestamp.in", s.Timestamp.In, m.template.uses(varTimestamp)) {
		m.clock = c.clock(s)
	}
	if c.needed("id", s.ID, m.template.uses(varID)) {
		m.id = c.place("id", s.ID)
	}
	return m, errors.Join(c.errs...)
}

// withDefaults fills in what a scheme of kind hmac may leave out.
func (s Scheme) withDefaults() Scheme {
	s.Algorithm = cmp.Or(s.Algorithm, SHA256)
	s.KeyEncoding = cmp.Or(s.KeyEncoding, Raw)
	s.Signature.Encoding = cmp.Or(s.Signature.Encoding, Hex)
	s.Timestamp.Unit = cmp.Or(s.Timestamp.Unit, Seconds)
	s.Timestamp.Tolerance = cmp.Or(s.Timestamp.Tolerance, DefaultTolerance)
	return s
}

// checks gathers what is wrong, each under the name of its field.
type checks struct{ errs []error }

func (c *checks) wrong(field, format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf(field+": "+format, args...))
}

func (c *checks) place(field, text string, more ...string) place {
	p, err := parsePlace(text, more...)
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

// needed tells whether the template uses the field. A field that is set and not signed would protect nothing.
func (c *checks) needed(field, value string, used bool) bool {
	name, _, _ := strings.Cut(field, ".")
	if !used && value != "" {
		c.wrong(field, "the template does not sign {%s}: use it there, or leave this out", name)
	}
	return used
}

func (c *checks) clock(s Scheme) clock {
	t := s.Timestamp
	oneOf(c, "timestamp.unit", t.Unit, Seconds, Milliseconds, RFC3339)
	if t.Tolerance < 0 {
		c.wrong("timestamp.tolerance", "%v is less than nothing; leave it out for %v", t.Tolerance, DefaultTolerance)
	}
	p := c.place("timestamp.in", t.In, inSignature+":")
	if p.kind == inSignature && s.Signature.Separator == "" {
		c.wrong("signature.separator", "%q needs a list, so say what separates its items", t.In)
	}
	return clock{p, t.Unit, t.Tolerance}
}

func oneOf[T ~string](c *checks, field string, value T, known ...T) {
	for _, k := range known {
		if value == k {
			return
		}
	}
	c.wrong(field, "%q is not known; there are %v", value, known)
}
