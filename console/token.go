package console

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// TokenFile is the name of the file in Config.Dir with the token of the JSON API. Each program that can read it may act.
const TokenFile = "token"

// token is the secret of programs that use the JSON API: the text's hash, so that a comparison takes as long for each text.
type token [sha256.Size]byte

// ensureToken returns the token in a file. If there is no file, it makes one with 260 random bits that only its owner can read.
func ensureToken(file string) (token, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return token{}, fmt.Errorf("token: %w (choose a data folder that can be written)", err)
		}
		text = []byte(rand.Text() + rand.Text() + "\n")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return token{}, fmt.Errorf("token: %w", errors.Join(err, os.Remove(file)))
		}
		err = nil
	}
	if err != nil {
		return token{}, fmt.Errorf("token: %w", err)
	}
	secret := strings.TrimSpace(string(text))
	if len(secret) < 32 {
		return token{}, fmt.Errorf("token: %s has less than 32 characters, which could be guessed: remove the file, and the next start makes a new one", file)
	}
	return sha256.Sum256([]byte(secret)), nil
}

// visitor returns the visitor behind a header Authorization with the token. person is the name that the program gives; anybody with the
// token may give any name.
func (t token) visitor(authorization, person string) (visitor, bool) {
	scheme, secret, _ := strings.Cut(authorization, " ")
	sum := sha256.Sum256([]byte(strings.TrimSpace(secret)))
	if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(sum[:], t[:]) != 1 {
		return visitor{}, false
	}
	name := "token"
	if person = strings.TrimSpace(person); person != "" && len(person) <= longestPerson {
		name = person + " (token)"
	}
	return visitor{name, Act}, true
}
