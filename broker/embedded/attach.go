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

// Attached is a line that another process runs, or none: it can be looked at, and what it keeps be decided about.
type Attached struct{ *store }

var (
	_ broker.Inspector   = (*Attached)(nil)
	_ broker.Undelivered = (*Attached)(nil)
	_ broker.Auditor     = (*Attached)(nil)
)

// Attach opens the line at cfg.Path beside the process that runs it, which notices replays within a second. It fails
// if there is no line.
func Attach(cfg Config) (*Attached, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if _, err := os.Stat(cfg.Path); errors.Is(err, fs.ErrNotExist) {
		if whole, err := filepath.Abs(cfg.Path); err == nil {
			cfg.Path = whole // since it may be below another folder than was thought
		}
		return nil, fmt.Errorf("line %s: %w", cfg.Path, errNoLine)
	} else if err != nil {
		return nil, fmt.Errorf("line %s: %w", cfg.Path, err)
	}
	cfg.Duplicates = 0 // it stores no new event
	s, err := openStore(cfg, false)
	if err != nil {
		return nil, fmt.Errorf("line %s: %w", cfg.Path, err)
	}
	return &Attached{s}, nil
}

// Close closes the file.
func (a *Attached) Close(context.Context) error { return a.close() }
