package console

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// admin is the name of the user whose password the first start makes.
const admin = "admin"

// cost of the hashes is low: the password that the first start makes has 130 random bits, which nobody guesses from a hash, and those of a
// configuration are hashed in memory only.
const cost = 6

// users checks names and passwords.
type users struct {
	byName  map[string]account
	nobody  []byte        // the hash for names that do not exist: a check takes as long for them
	working chan struct{} // bounds the checks at once, which are slow by intent
}

type account struct {
	hash []byte
	role Role
}

// newUsers returns the users of a configuration, or admin, whose password's hash is in a file. first is the password if this call made it.
func newUsers(configured map[string]User, file string) (u users, first string, err error) {
	u = users{byName: map[string]account{}, working: make(chan struct{}, 2)}
	if u.nobody, err = bcrypt.GenerateFromPassword([]byte(rand.Text()), cost); err != nil {
		return u, "", err
	}
	for name, user := range configured {
		hash, err := bcrypt.GenerateFromPassword([]byte(user.Password), cost)
		if err != nil {
			return u, "", fmt.Errorf("users: %s: password: %w", name, err)
		}
		u.byName[name] = account{hash, user.Role}
	}
	if len(configured) > 0 {
		return u, "", nil
	}
	hash, first, err := ensurePassword(file)
	if err != nil {
		return u, "", err
	}
	if _, err := bcrypt.Cost(hash); err != nil {
		return u, "", fmt.Errorf("%s: %w (remove the file: the next start makes a new password)", file, err)
	}
	u.byName[admin] = account{hash, Act}
	return u, first, nil
}

// check returns the person with a name and a password. It takes as long for wrong names as for wrong passwords.
func (u users) check(name, password string) (visitor, bool) {
	u.working <- struct{}{}
	defer func() { <-u.working }()
	found, known := u.byName[name]
	if !known {
		found.hash = u.nobody
	}
	err := bcrypt.CompareHashAndPassword(found.hash, []byte(password))
	return visitor{name, found.role}, known && err == nil
}

// ensurePassword returns the hash in a file. If there is no file, it makes a password of 130 random bits and the file with its hash.
func ensurePassword(file string) (hash []byte, made string, err error) {
	hash, err = os.ReadFile(file)
	if err == nil {
		return []byte(strings.TrimSpace(string(hash))), "", nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, "", fmt.Errorf("password: %w", err)
	}
	made = rand.Text()
	if hash, err = bcrypt.GenerateFromPassword([]byte(made), cost); err != nil {
		return nil, "", fmt.Errorf("password: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, "", fmt.Errorf("password: %w (choose a data folder that can be written)", err)
	}
	if err := os.WriteFile(file, append(hash, '\n'), 0o600); err != nil {
		return nil, "", fmt.Errorf("password: %w", errors.Join(err, os.Remove(file)))
	}
	return hash, made, nil
}
