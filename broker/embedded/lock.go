package embedded

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// lock is held by the process that runs a line. The kernel lets go of it when the process ends, however it ends.
type lock struct{ file *os.File }

// takeLock locks the line at path, or says who has it.
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
		holder, _ := io.ReadAll(io.LimitReader(f, 20)) // nothing yet if it has only just begun
		return nil, fmt.Errorf("is run by another process already (%s); stop that one, or give this one another data folder", strings.TrimSpace(string(holder)))
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

// release lets go. The file stays: removing it would let two processes lock two files of one name.
func (l *lock) release() error { return l.file.Close() }
