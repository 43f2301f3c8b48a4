//go:build !unix

package embedded

import "errors"

// lock cannot be held here: write-ahead logs of the SQLite that we use crash on Windows.
type lock struct{}

func takeLock(string) (*lock, error) {
	return nil, errors.New("the line inside the binary runs on Linux, macOS and BSD only; use RabbitMQ here")
}

func (*lock) release() error { return nil }
