package signature

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"sync"
	"time"
)

// hmacMethod verifies and makes signatures over a template.
type hmacMethod struct {
	template  template
	list      signatureList
	timestamp signedTime // used only with {timestamp} in the template
	id        location   // used only with {id} in the template
	keys      []*hmacKey
}

// claim holds the signatures of a request and the string that they sign.
type claim struct {
	signed     [][]byte // the signed string in pieces
	signatures [][]byte
	at         time.Time
}

func (m *hmacMethod) verify(r Request, now time.Time) (Proof, error) {
	if m.first(now) == nil {
		return Proof{}, noSecret()
	}
	c, err := m.read(r)
	if err != nil {
		return Proof{}, err
	}
	for _, k := range m.keys {
		if !k.secret.usable(now) {
			continue
		}
		sum, ok := k.fits(c)
		if !ok {
			continue
		}
		timed := m.template.uses(varTimestamp)
		// The time is checked after the match, so that Stale is always about the real sender.
		if timed {
			if err := m.timestamp.check(c.at, now); err != nil {
				return Proof{}, err
			}
		}
		return Proof{Label: k.secret.Label, Timed: timed, Sum: sum, key: k}, nil
	}
	return Proof{}, refuse(Mismatch, "no usable secret fits; compare the sender's secret with the configured one, and check that no proxy changes the body")
}

func (m *hmacMethod) read(r Request) (claim, error) {
	var c claim
	items, err := m.list.items(r)
	if err != nil {
		return c, err
	}
	if c.signatures, err = m.list.signatures(items); err != nil {
		return c, err
	}
	var id, timestamp string
	if m.template.uses(varTimestamp) {
		if timestamp, err = m.readTimestamp(r, items); err != nil {
			return c, err
		}
		if c.at, err = m.timestamp.parse(timestamp); err != nil {
			return c, err
		}
	}
	if m.template.uses(varID) {
		if id, err = m.id.read(r); err != nil {
			return c, err
		}
	}
	c.signed, err = m.template.fill(r, id, timestamp)
	return c, err
}

func (m *hmacMethod) readTimestamp(r Request, items []string) (string, error) {
	if m.timestamp.location.kind == inSignature {
		return m.list.item(items, m.timestamp.location)
	}
	return m.timestamp.location.read(r)
}

func (m *hmacMethod) sign(r *Request, id string, now time.Time) error {
	key := m.first(now)
	if key == nil {
		return noSecret()
	}
	var timestamp, item string
	if m.template.uses(varTimestamp) {
		timestamp = m.timestamp.format(now)
		if m.timestamp.location.kind == inSignature {
			item = m.timestamp.location.name + "=" + timestamp
		} else if err := m.timestamp.location.write(r, timestamp); err != nil {
			return err
		}
	}
	if m.template.uses(varID) {
		if err := m.id.write(r, id); err != nil {
			return err
		}
		if _, err := m.id.read(*r); err != nil {
			return err // an empty ID does not verify
		}
	}
	signed, err := m.template.fill(*r, id, timestamp)
	if err != nil {
		return err
	}
	return m.list.write(r, key.sum(signed), item)
}

func (m *hmacMethod) first(now time.Time) *hmacKey {
	for _, k := range m.keys {
		if k.secret.usable(now) {
			return k
		}
	}
	return nil
}

// hmacKey keeps keyed hashes for reuse: to reset one costs less than to key a new one.
type hmacKey struct {
	secret Secret
	states sync.Pool // of *hmacState
}

type hmacState struct {
	mac hash.Hash
	sum [sha512.Size]byte
}

func newHMACKey(s Secret, key []byte, a Algorithm) *hmacKey {
	k := &hmacKey{secret: s}
	k.states.New = func() any { return &hmacState{mac: hmac.New(a.hash(), key)} }
	return k
}

// fits reports whether one of the signatures is the key's, and returns the begin of that signature.
func (k *hmacKey) fits(c claim) (begin [16]byte, ok bool) {
	state := k.states.Get().(*hmacState)
	defer k.states.Put(state)
	sum := state.over(c.signed)
	for _, signature := range c.signatures {
		if hmac.Equal(signature, sum) {
			return [16]byte(sum), true
		}
	}
	return [16]byte{}, false
}

func (k *hmacKey) sum(pieces [][]byte) []byte {
	state := k.states.Get().(*hmacState)
	defer k.states.Put(state)
	return append([]byte(nil), state.over(pieces)...)
}

// over returns the HMAC of the concatenated pieces. It is valid until the next call.
func (s *hmacState) over(pieces [][]byte) []byte {
	s.mac.Reset()
	for _, piece := range pieces {
		s.mac.Write(piece)
	}
	return s.mac.Sum(s.sum[:0])
}

func (a Algorithm) hash() func() hash.Hash {
	switch a {
	case SHA1:
		return sha1.New
	case SHA512:
		return sha512.New
	}
	return sha256.New
}
