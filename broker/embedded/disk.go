package embedded

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/hookline/hookline/broker"
)

// minFree is how many bytes of the disk have to be free for Ready: a small change can still fit when an event cannot.
const minFree = 4 << 20

// diskFull is an error when there is too little room on the disk that holds path.
func diskFull(path string) error {
	var disk unix.Statfs_t
	if err := unix.Statfs(path, &disk); err != nil {
		return fmt.Errorf("%w: look at the disk of %s: %w", broker.ErrBlocked, path, err)
	}
	if free := int64(disk.Bavail) * int64(disk.Bsize); free < minFree { //nolint:unconvert // the types differ between systems
		return fmt.Errorf("%w: the disk of %s has %d bytes left; make room", broker.ErrBlocked, path, free)
	}
	return nil
}
