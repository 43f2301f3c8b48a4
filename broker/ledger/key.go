package ledger

import "crypto/sha256"

// key identifies an event of a route: a hash of source, action, ID and route.
type key [16]byte

func hash(source, id, route string) (k key) {
	var room [512]byte
	text := append(room[:0], source...)
	text = append(append(text, 0), id...)
	text = append(append(text, 0), route...)
	sum := sha256.Sum256(text)
	copy(k[:], sum[:])
	return k
}
