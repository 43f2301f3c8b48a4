package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/journal"
	"github.com/hookline/hookline/pkg/event"
)

// Recorded are the events of the journal in a data folder, read beside the process that writes it.
type Recorded struct {
	journal *journal.ReadOnly
	// LeftOut counts the events that Each left out, because the journal keeps no body of them.
	LeftOut int
}

// OpenRecorded opens the journal of a configuration. Close it.
func OpenRecorded(c *config.Config) (*Recorded, error) {
	dir := journalConfig(c).Dir
	found, err := journal.OpenReadOnly(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no journal in %s: run the command on the machine that keeps the journal, in the folder in which Hookline was started, or name a file of events with --events", dir)
	}
	if err != nil {
		return nil, err
	}
	return &Recorded{journal: found}, nil
}

// Each visits the events that were received at or after since, the newest first, until visit returns false.
func (r *Recorded) Each(ctx context.Context, since time.Time, visit func(e event.Event) (more bool)) error {
	return r.Find(ctx, journal.Filter{From: since}, visit)
}

// Find visits the events of a filter, the newest first, until visit returns false.
func (r *Recorded) Find(ctx context.Context, f journal.Filter, visit func(e event.Event) (more bool)) error {
	return r.journal.Each(ctx, f, func(d journal.Detail) bool {
		if !d.Kept {
			r.LeftOut++
			return true
		}
		return visit(d.Event())
	})
}

// Close closes the journal.
func (r *Recorded) Close() error { return r.journal.Close() }
