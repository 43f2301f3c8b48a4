//go:build !linux

package exec

import "syscall"

// processAttributes give a command a process group of its own.
func processAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
