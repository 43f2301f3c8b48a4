package event

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

// Limits in bytes. A routing key and a message ID are AMQP short strings of at most 255 bytes
// (AMQP 0-9-1, 4.2.5.3). A longer one would close the connection.
const (
	MaxKey    = 255
	MaxSource = 63
	MaxAction = MaxKey - MaxSource - 1
	MaxID     = 128
)

// Unreadable is the action of an event with a correct signature and an unreadable action.
const Unreadable = "unreadable"

var sourceName = regexp.MustCompile(`^[a-z0-9_-]+$`)

// CheckSource returns an error unless name is a valid name of a source: 1 to MaxSource bytes of [a-z0-9_-].
func CheckSource(name string) error {
	if len(name) > MaxSource || !sourceName.MatchString(name) {
		return fmt.Errorf("source %q: a name has 1 to %d of the characters a-z 0-9 _ -", clip(name), MaxSource)
	}
	return nil
}

// NewAction joins words of a sender into an action of at most MaxAction bytes. It changes them to lower case, replaces
// every character outside [a-z0-9_-] by "_", and leaves out empty words. It returns Unreadable if all words are empty.
func NewAction(words ...string) string {
	var b strings.Builder
	for _, word := range words {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		for _, r := range word {
			if b.Len() >= MaxAction {
				break
			}
			b.WriteByte(safe(r))
		}
	}
	if b.Len() == 0 {
		return Unreadable
	}
	action := b.String()
	return strings.TrimRight(action[:min(len(action), MaxAction)], ".")
}

// NewID returns an ID for the event that the sender identifies as fromSender. It returns the hash of fromSender if that is
// an invalid ID, and the hash of the body if fromSender is empty. So a repeat of the same message has the same ID.
func NewID(fromSender string, body []byte) string {
	id := strings.TrimSpace(fromSender)
	switch {
	case id == "":
		return "sha256-" + digest(body)
	case len(id) > MaxID || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "id-" + digest([]byte(id))
	}
	return id
}

// NewIDWithDigest returns an ID for an event that the sender's ID alone does not identify: NewID, "~", and the first 64 bits of the
// SHA-256 of the other parts in hexadecimal. A repeat with the same ID and parts has the same ID.
func NewIDWithDigest(fromSender string, parts ...[]byte) string {
	hash := sha256.New()
	for _, part := range parts {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(part))) // so that "a", "bc" differs from "ab", "c"
		hash.Write(size[:])
		hash.Write(part)
	}
	id := NewID(fromSender, nil)
	if len(id) > MaxID-digestLength {
		id = "id-" + digest([]byte(id))
	}
	sum := hash.Sum(nil)
	return id + "~" + hex.EncodeToString(sum[:8])
}

// digestLength is the length that NewIDWithDigest adds to an ID.
const digestLength = 1 + 16

func safe(r rune) byte {
	switch {
	case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_', r == '-':
		return byte(r)
	case r >= 'A' && r <= 'Z':
		return byte(r - 'A' + 'a')
	}
	return '_'
}

// digest returns 128 bits of SHA-256 in hexadecimal: enough against accidents, and short enough for a file name.
func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

func clip(s string) string {
	if len(s) > MaxSource {
		return s[:MaxSource] + "..."
	}
	return s
}
