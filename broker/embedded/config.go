package embedded

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/hookline/hookline/broker"
)

// Config configures a broker.
type Config struct {
	// Path is the database file. Open creates it and its folder, readable for the owner only. Four files
	// beside it have its name and a suffix. SQLite keeps "-wal" and "-shm". The process that runs the broker locks ".lock", and lists the
	// deliveries that it handles in ".hand".
	Path string
	// Routes are matched when an event is published. Events of a route that is left out later stay in the file.
	Routes []broker.Route
	// Direct are the names of further queues. Only PublishTo and MoveTo store events for them. With them, queues of a former
	// configuration that still have events can be consumed, too.
	Direct []string
	// MaxBytes bounds the database file on the disk, besides its write-ahead log of a few MiB, or of
	// MaxLog while a program reads the database for long. Beyond MaxLog the log counts, too. From 15/16 of it on, Publish
	// returns broker.ErrBlocked, so that outcomes of stored events can still be written. When dead letters have filled the rest,
	// too, workers wait with outcomes that cannot be written until dead letters are discarded. At least MinBytes; 0 stands for
	// DefaultBytes.
	MaxBytes int64
	// Duplicates is the window in which the broker detects duplicates, also after a restart: of the latest broker.MaxRecentEvents
	// events at most, and of one event for each KiB of MaxBytes. 0 detects none.
	Duplicates time.Duration
	// RouteBytes bounds the bodies of the events in progress of one route, in bytes. One larger body is in progress alone. 0: there is
	// no bound. A route has up to 12 MiB and one body more in memory, which it has read ahead.
	RouteBytes int64
	// CheckFirst makes Open read the whole file before it returns, and return any damage as an error. This takes some 2 s for each
	// GiB in use. Otherwise the broker reads a file of more than 32 MiB in use while it works, and takes no new events after damage.
	CheckFirst bool
}

// Limits of Config.MaxBytes.
const (
	MinBytes     = 1 << 20
	DefaultBytes = 4 << 30
)

// check returns every error in the configuration, and sets defaults.
func (c *Config) check() error {
	var errs []error
	if c.Path == "" {
		errs = append(errs, errors.New("embedded broker: the path of the database file is empty"))
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultBytes
	}
	if c.MaxBytes < MinBytes {
		errs = append(errs, fmt.Errorf("embedded broker: %d bytes are too few; set %d or more", c.MaxBytes, MinBytes))
	}
	if c.Duplicates < 0 {
		errs = append(errs, fmt.Errorf("embedded broker: duplicates is %v; it must be 0 or more", c.Duplicates))
	}
	if c.RouteBytes < 0 {
		errs = append(errs, fmt.Errorf("embedded broker: bytes of a route are %d; they are 0 or more", c.RouteBytes))
	}
	if c.RouteBytes == 0 {
		c.RouteBytes = math.MaxInt64
	}
	if err := broker.CheckRoutes(c.Routes); err != nil {
		errs = append(errs, fmt.Errorf("embedded broker: %w", err))
	}
	return errors.Join(errs...)
}
