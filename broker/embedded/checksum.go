package embedded

import (
	"fmt"
	"hash/crc32"
	"io"

	"github.com/hookline/hookline/pkg/event"
)

// errChecksum reports an event whose bytes in the file have changed. SQLite checks the structure of a file only, so a damaged page of a
// body looks valid to it.
var errChecksum = fmt.Errorf("%w: an event differs from its checksum", ErrDamaged)

// noChecksum is the checksum of events that a file of an older version has.
const noChecksum = -1

// checksum returns the CRC-32C of an event's columns.
func checksum(e event.Event) int64 {
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	fmt.Fprintf(sum, "%q %q %q %d %q ", e.ID, e.Source, e.Action, e.Time.UnixMilli(), e.ContentType)
	_, _ = io.WriteString(sum, formatHeader(e.Header)) // a hash returns no error
	_, _ = sum.Write(e.Data)
	return int64(sum.Sum32())
}
