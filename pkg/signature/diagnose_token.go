package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"time"

	"golang.org/x/text/encoding/charmap"
)

// isSecret reports whether a token is one of the secrets, also one that has ended.
func (d *diagnoser) isSecret(shown string) bool {
	hash := sha256.Sum256([]byte(shown))
	for _, s := range d.verifier.secrets {
		if own := sha256.Sum256([]byte(s.Value)); hmac.Equal(hash[:], own[:]) {
			d.name(s)
			return true
		}
	}
	return false
}

// oldToken compares the token with the secrets that have ended.
func (d *diagnoser) oldToken() bool {
	if !d.fits(d.variant()) {
		d.checkSecrets()
		return false
	}
	d.check(false, fmt.Sprintf("Secret %q fits, and it ended at %s", d.found.Secret, d.found.Ended.UTC().Format(time.RFC3339)))
	return d.settle(OldSecret, "")
}

// otherToken tries other ways to write the token.
func (d *diagnoser) otherToken() bool {
	l, err := parseLocation(d.verifier.scheme.Token, inBearer, inBasic)
	if err != nil {
		return false
	}
	shown, err := l.read(d.request)
	if err != nil {
		return false
	}
	for _, c := range tokenForms() {
		if d.isSecret(c.change(shown)) {
			d.check(true, fmt.Sprintf("Secret %q fits %s", d.found.Secret, c.form))
			return d.settle(SignatureForm, "the token is "+c.form)
		}
	}
	d.check(false, "Other forms of the token do not fit")
	return false
}

// tokenForm is a way in which a sender may write its token.
type tokenForm struct {
	form   string
	change func(string) string // to the secret
}

func tokenForms() []tokenForm {
	without := func(begin string) func(string) string {
		return func(s string) string {
			if len(s) >= len(begin) && strings.EqualFold(s[:len(begin)], begin) {
				return strings.TrimSpace(s[len(begin):])
			}
			return s
		}
	}
	return []tokenForm{
		{"after the word Bearer", without("Bearer ")},
		{"after the word Token", without("Token ")},
		{"after the word Basic, in base64", func(s string) string { return unbase64(without("Basic ")(s)) }},
		{"in quotes", func(s string) string { return strings.Trim(s, "\"'") }},
		{"in base64", unbase64},
		{"percent-encoded", func(s string) string { text, _ := url.QueryUnescape(s); return text }},
		{"in ISO 8859-1", func(s string) string { text, _ := charmap.ISO8859_1.NewDecoder().String(s); return text }},
	}
}

func unbase64(s string) string {
	text, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return s
	}
	return strings.TrimSpace(string(text))
}
