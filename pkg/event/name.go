package event

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

// Limits in bytes. A routing key and a message ID are AMQP short strings of at most 255 bytes
// (AMQP 0-9-1, 4.2.5.3); a longer one closes the connection, so nothing longer is ever made.
const (
	MaxKey    = 255
	MaxSource = 63
	MaxAction = MaxKey - MaxSource - 1
	MaxID     = 128
)

// Unreadable is the action of an event whose body was signed correctly but says nothing that can be understood.
const Unreadable = "unreadable"

var sourceName = regexp.MustCompile(`^[a-z0-9_-]+$`)

// CheckSource tells whether name can be the name of a source: 1 to MaxSource bytes of [a-z0-9_-].
func CheckSource(name string) error {
	if len(name) > MaxSource || !sourceName.MatchString(name) {
		return fmt.Errorf("source %q: a name has 1 to %d of the characters a-z 0-9 _ -", clip(name), MaxSource)
	}
	return nil
}

// NewAction joins words that come from outside into an action: each is lowered, every character outside
// [a-z0-9_-] becomes "_", empty words are left out, and the whole is cut to MaxAction bytes.
// Without any word it is Unreadable.
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

// NewID makes an ID of what the sender calls the event. What is no ID by our limits is replaced by its hash,
// and a sender that names nothing gets the hash of the body: either way a repeat has the same ID.
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

func safe(r rune) byte {
	switch {
	case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_', r == '-':
		return byte(r)
	case r >= 'A' && r <= 'Z':
		return byte(r - 'A' + 'a')
	}
	return '_'
}

// digest is 128 bits of SHA-256: enough against accidents, short enough for a file name.
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
