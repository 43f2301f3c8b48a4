package journal

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// lock is a file lock of the process that has a journal open. The kernel releases it when the process ends, however it ends.
type lock struct{ file *os.File }

func takeLock(path string) (*lock, error) {
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("another process has it open; stop that process, or use another data folder for this one: %w", err), f.Close())
	}
	return &lock{f}, nil
}

// release unlocks the file. The file stays, because without it two processes could lock two files of one name.
func (l *lock) release() error { return l.file.Close() }
