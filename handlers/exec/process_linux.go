package exec

import "syscall"

// processAttributes put a command into a group of its own, and have it end when the worker dies, however that dies. The signal comes with the end of the
// thread that has started the command; Go ends a thread only with a goroutine that is locked to it, which handlers' are not.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
