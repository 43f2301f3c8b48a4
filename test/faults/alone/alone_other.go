//go:build !linux

// Package alone gives a program a machine of its own, as far as Linux can: processes, network and mounts that nobody else
// sees, and that end with it, however it ends. Elsewhere it cannot.
package alone

import "errors"

// Inside tells whether this process was started by Run.
func Inside() bool { return false }

// Possible tells whether Run can work.
func Possible() bool { return false }

// Run cannot work here.
func Run(...string) (int, error) { return 1, errors.New("only Linux has what this needs") }

// Enter is never called here.
func Enter() error { return nil }
