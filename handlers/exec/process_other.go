//go:build !linux

package exec

import "syscall"

// processAttributes put a command into a group of its own.
func processAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
