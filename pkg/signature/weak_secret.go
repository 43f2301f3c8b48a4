package signature

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// MinSecret is the least size of a strong secret in bytes. A secret in hex or base64 counts decoded, and "user:password" by its password.
const MinSecret = 16

// minDistinct is the least number of different bytes in a strong secret: 16 random hex digits have fewer once in two million.
const minDistinct = 5

// placeholders are parts of texts that stand for a secret in documentation, without case, spaces and punctuation.
func placeholders() []string {
	return []string{"changeme", "changethis", "replaceme", "replacethis", "yoursecret", "yourwebhooksecret", "yourtoken", "secrethere", "placeholder", "example"}
}

// CheckStrength returns an error for each secret that a stranger can guess: a placeholder such as change-me, or less than MinSecret bytes.
// It passes over a secret that New refuses. Its errors never hold a secret.
func CheckStrength(s Scheme, secrets []Secret) error {
	labelled, _ := named(secrets)
	var errs []error
	for _, secret := range labelled {
		if weakness := secret.weakness(s.withDefaults()); weakness != "" {
			errs = append(errs, fmt.Errorf("%v %s", secret, weakness))
		}
	}
	return errors.Join(errs...)
}

// weakness says how a stranger could guess the secret; empty for a strong one.
func (s Secret) weakness(scheme Scheme) string {
	key, err := s.key(scheme.KeyEncoding, scheme.KeyPrefix)
	if err != nil || len(key) == 0 {
		return ""
	}
	if scheme.Kind == Token && scheme.Token == inBasic {
		if _, password, ok := strings.Cut(string(key), ":"); ok {
			key = []byte(password)
		}
	}
	distinct := map[byte]bool{}
	for _, b := range key {
		distinct[b] = true
	}
	switch {
	case isPlaceholder(string(s.Value)):
		return "is a placeholder"
	case len(key) < MinSecret:
		return fmt.Sprintf("is shorter than %d bytes", MinSecret)
	case len(distinct) < minDistinct:
		return fmt.Sprintf("repeats %d characters", len(distinct))
	}
	return ""
}

func isPlaceholder(value string) bool {
	letters := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, value)
	for _, part := range placeholders() {
		if strings.Contains(letters, part) {
			return true
		}
	}
	return false
}
