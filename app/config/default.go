package config

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// SecretFile is where the built-in configuration looks for the secret of its source alma.
func SecretFile(env Env) string {
	data, ok := env("HOOKLINE_DATA")
	if !ok || data == "" {
		data = "data"
	}
	return filepath.Join(data, "alma.secret")
}

// EnsureSecret makes the file with a new secret if it is not there: 52 letters and digits with 260 random bits, readable
// by the owner only. It says whether it made one.
func EnsureSecret(file string) (made bool, err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return false, fmt.Errorf("secret: %w (choose a folder that can be written; the built-in configuration's is $HOOKLINE_DATA)", err)
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("secret: %w", err)
	}
	_, err = f.WriteString(rand.Text() + rand.Text() + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return false, fmt.Errorf("secret: %w", errors.Join(err, os.Remove(file)))
	}
	return true, nil
}
