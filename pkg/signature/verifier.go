package signature

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
)

// Verifier verifies and signs by one scheme with one set of secrets. It is safe for concurrent use.
type Verifier struct {
	method  method
	scheme  Scheme   // with its defaults
	secrets []Secret // each with a label
}

type method interface {
	verify(r Request, now time.Time) (Proof, error)
	sign(r *Request, id string, now time.Time) error
}

// New checks the scheme and every secret, and returns all errors at once. Its errors never hold a secret.
// Without secrets the Verifier refuses every request with NoSecret.
func New(s Scheme, secrets []Secret) (*Verifier, error) {
	labelled, err := named(secrets)
	if s.Kind == HMAC {
		s = s.withDefaults()
	}
	var m method
	var more error
	switch s.Kind {
	case Token:
		m, more = newToken(s, labelled)
	case HMAC:
		m, more = newHMAC(s, labelled)
	default:
		more = fmt.Errorf("kind: %q is not known; there are %v", s.Kind, []Kind{HMAC, Token})
	}
	if err := errors.Join(more, err); err != nil {
		return nil, err
	}
	return &Verifier{m, s, labelled}, nil
}

// Verify returns the proof that the request comes from its sender, or an *Error. It ignores secrets whose NotAfter is before now.
// If the scheme signs a time, the time must be within the tolerance of now.
func (v *Verifier) Verify(r Request, now time.Time) (Proof, error) { return v.method.verify(r, now) }

// SignsBody reports whether equal signatures mean equal bodies: the scheme signs the whole body.
func (v *Verifier) SignsBody() bool {
	m, ok := v.method.(*hmacMethod)
	return ok && m.template.uses(varBody)
}

// SignsHeader reports whether the scheme signs the header of that canonical name.
func (v *Verifier) SignsHeader(name string) bool {
	m, ok := v.method.(*hmacMethod)
	return ok && (m.template.uses(varID) && m.id == location{inHeader, name} || m.template.signs(location{inHeader, name}))
}

// Sign signs r as the real sender does, with the first valid secret: it sets headers, or r.Query. id is the message's ID, for
// schemes that sign one. Without a valid secret it returns an *Error. It returns an error for a scheme with its signature, token,
// time or ID in the JSON body.
func (v *Verifier) Sign(r *Request, id string, now time.Time) error { return v.method.sign(r, id, now) }

func noSecret() error { return refuse(NoSecret, "no secret is configured, or all have expired") }

func newToken(s Scheme, secrets []Secret) (*tokenMethod, error) {
	p, err := checkToken(s)
	m := &tokenMethod{location: p, secrets: secrets}
	for _, s := range secrets {
		m.hashes = append(m.hashes, sha256.Sum256([]byte(s.Value)))
	}
	return m, err
}

func newHMAC(s Scheme, secrets []Secret) (*hmacMethod, error) {
	m, err := checkHMAC(s)
	errs := []error{err}
	for _, secret := range secrets {
		key, err := secret.key(s.KeyEncoding, s.KeyPrefix)
		errs = append(errs, err)
		m.keys = append(m.keys, newHMACKey(secret, key, s.Algorithm))
	}
	return m, errors.Join(errs...)
}
