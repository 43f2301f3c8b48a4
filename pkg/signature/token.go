package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"time"
)

// tokenMethod compares the secret of a request. It compares hashes, so that not even a length leaks.
type tokenMethod struct {
	location location
	secrets  []Secret
	hashes   [][sha256.Size]byte
}

func (m *tokenMethod) verify(r Request, now time.Time) (Proof, error) {
	if m.first(now) == nil {
		return Proof{}, noSecret()
	}
	shown, err := m.location.read(r)
	if err != nil {
		return Proof{}, err
	}
	hash := sha256.Sum256([]byte(shown))
	for i, s := range m.secrets {
		if s.usable(now) && hmac.Equal(hash[:], m.hashes[i][:]) {
			return Proof{Label: s.Label}, nil
		}
	}
	return Proof{}, refuse(Mismatch, "no usable secret fits; compare the sender's secret with the configured one")
}

func (m *tokenMethod) sign(r *Request, _ string, now time.Time) error {
	s := m.first(now)
	if s == nil {
		return noSecret()
	}
	return m.location.write(r, string(s.Value))
}

func (m *tokenMethod) first(now time.Time) *Secret {
	for i := range m.secrets {
		if m.secrets[i].usable(now) {
			return &m.secrets[i]
		}
	}
	return nil
}
