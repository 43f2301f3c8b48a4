//go:build !linux

// Package alone isolates a program, as far as Linux can: its processes, network and mounts are invisible to others,
// and end with it. Other systems cannot.
package alone

import "errors"

// Inside reports whether Run started this process.
func Inside() bool { return false }

// Possible reports whether Run can work.
func Possible() bool { return false }

// Run returns an error.
func Run(...string) (int, error) { return 1, errors.New("only Linux has what this needs") }

// Enter is not used on this system.
func Enter() error { return nil }
