package embedded

import (
	"errors"
	"fmt"
	"time"

	"github.com/hookline/hookline/broker"
)

// Config says where a line is and what it carries.
type Config struct {
	// Path is the database file. Its folder is made if it is missing, readable for the owner only, as is the file.
	// SQLite keeps two more files beside it, "-wal" and "-shm"; ".lock" tells that a process runs the line, and
	// ".hand" what it is handling.
	Path string
	// Routes are matched when an event is published. Events of a route that is left out later stay where they are.
	Routes []broker.Route
	// MaxBytes is the most that the database file takes on the disk, besides its write-ahead log of a few MiB. New
	// events are refused with broker.ErrBlocked from 15/16 of it, so that outcomes of old ones can still be
	// written. When dead letters have filled that too, workers keep what they cannot write in hand until some are
	// discarded. At least MinBytes; 0 stands for DefaultBytes.
	MaxBytes int64
	// Duplicates is for how long events are remembered, so that a repeat is broker.ErrDuplicate, also after a restart; of
	// the latest broker.MaxRecentEvents at most, and of one for each KiB of MaxBytes. 0 remembers none.
	Duplicates time.Duration
	// CheckFirst makes Open read the whole file before it returns, so that any damage is its error: some 2 s for each GiB in use.
	// Else a file of more than 32 MiB in use is read beside the work, and damage ends the taking of new events.
	CheckFirst bool
}

// Limits of Config.MaxBytes.
const (
	MinBytes     = 1 << 20
	DefaultBytes = 4 << 30
)

// check tells everything that is wrong, and fills in defaults.
func (c *Config) check() error {
	var errs []error
	if c.Path == "" {
		errs = append(errs, errors.New("embedded line: the path of the database file is empty"))
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultBytes
	}
	if c.MaxBytes < MinBytes {
		errs = append(errs, fmt.Errorf("embedded line: at most %d bytes is too small; give it %d or more", c.MaxBytes, MinBytes))
	}
	if c.Duplicates < 0 {
		errs = append(errs, fmt.Errorf("embedded line: duplicates is %v; it is 0 or more", c.Duplicates))
	}
	if err := broker.CheckRoutes(c.Routes); err != nil {
		errs = append(errs, fmt.Errorf("embedded line: %w", err))
	}
	return errors.Join(errs...)
}
