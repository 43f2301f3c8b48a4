package embedded

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/hookline/hookline/broker"
)

// minFree is the number of free bytes on the disk at which Ready fails. Below it a small change can still fit where an event cannot.
const minFree = 4 << 20

// checkDiskSpace returns an error if the disk of path has less than minFree bytes free.
func checkDiskSpace(path string) error {
	var disk unix.Statfs_t
	if err := unix.Statfs(path, &disk); err != nil {
		return fmt.Errorf("%w: read the free space of the disk of %s: %w", broker.ErrBlocked, path, err)
	}
	if free := int64(disk.Bavail) * int64(disk.Bsize); free < minFree { //nolint:unconvert // the types differ between systems
		return fmt.Errorf("%w: the disk of %s has %d bytes free; free more space", broker.ErrBlocked, path, free)
	}
	return nil
}
