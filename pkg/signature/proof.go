package signature

import (
	"encoding/hex"
	"errors"
)

// Proof shows that a request comes from its sender. The zero value proves nothing.
type Proof struct {
	// Label is the label of the secret that fits.
	Label string
	// Timed is true if the sender signed a time, and that time is within the tolerance of the receiver's clock.
	Timed bool
	// Sum is the first 128 bits of the HMAC, the same for equal signatures in any encoding. It is zero for a token.
	Sum [16]byte

	key *hmacKey
}

// HMACHex returns the HMAC of data with the secret that fits, in lower-case hex, for Zoom's URL validation. It returns an error for
// the proof of a token.
func (p Proof) HMACHex(data []byte) (string, error) {
	if p.key == nil {
		return "", errors.New("signature: a scheme of kind token has no key for an HMAC")
	}
	return hex.EncodeToString(p.key.sum([][]byte{data})), nil
}
