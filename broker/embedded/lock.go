package embedded

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// lock is a file lock of the process that runs a broker. The kernel releases it when the process ends, however it ends.
type lock struct{ file *os.File }

// takeLock locks the broker at path. Its error names the process that has the lock.
func takeLock(path string) (*lock, error) {
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot be locked; give this user write access to its folder: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		holder, _ := io.ReadAll(io.LimitReader(f, 20)) // empty if that process has only just started
		return nil, fmt.Errorf("is run by another process already (%s); stop that process, or use another data folder for this one", strings.TrimSpace(string(holder)))
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = fmt.Fprintln(f, os.Getpid())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("write the lock: %w", err), f.Close())
	}
	return &lock{f}, nil
}

// release unlocks the file. The file stays, because without it two processes could lock two files of one name.
func (l *lock) release() error { return l.file.Close() }
