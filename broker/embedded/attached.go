package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hookline/hookline/broker"
)

// Attached is a broker that another process runs, or no process at all. It can be inspected and audited, its undelivered events can be
// replayed and discarded, all events can be erased, and routes can be paused.
type Attached struct{ *store }

var (
	_ broker.Inspector   = (*Attached)(nil)
	_ broker.Undelivered = (*Attached)(nil)
	_ broker.Eraser      = (*Attached)(nil)
	_ broker.Pauser      = (*Attached)(nil)
	_ broker.Redeliverer = (*Attached)(nil)
	_ broker.Auditor     = (*Attached)(nil)
)

// Attach opens the existing broker at cfg.Path, beside the process that runs it. That process notices replays and pauses within a second.
func Attach(cfg Config) (*Attached, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if _, err := os.Stat(cfg.Path); errors.Is(err, fs.ErrNotExist) {
		if whole, err := filepath.Abs(cfg.Path); err == nil {
			cfg.Path = whole // shows a wrong working folder
		}
		return nil, fmt.Errorf("broker %s: %w", cfg.Path, errNoFile)
	} else if err != nil {
		return nil, fmt.Errorf("broker %s: %w", cfg.Path, err)
	}
	cfg.Duplicates = 0 // it stores no new event
	s, err := openStore(cfg, false)
	if err != nil {
		return nil, fmt.Errorf("broker %s: %w", cfg.Path, err)
	}
	return &Attached{s}, nil
}

// Ready returns nil: an attached broker is a file that was opened. Its size and the disk are checked by each change.
func (a *Attached) Ready() error { return nil }

// Close closes the file.
func (a *Attached) Close(context.Context) error { return a.close() }
