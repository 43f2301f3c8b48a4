package exec

import "syscall"

// processAttributes give a command a process group of its own, and a SIGTERM when the worker dies. The kernel sends the signal when the
// thread that started the command ends. Go ends a thread only with a goroutine that is locked to it; those of handlers are not.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
