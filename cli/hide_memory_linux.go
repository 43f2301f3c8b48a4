package cli

import "golang.org/x/sys/unix"

// hideMemory makes this process's environment and memory unreadable for other processes of its user, such as the programs of
// exec handlers, through /proc and ptrace. It also prevents core dumps. Root can still read them.
func hideMemory() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }
