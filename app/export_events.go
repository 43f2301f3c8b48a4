package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"

	"github.com/hookline/hookline/journal"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/privacy"
	"github.com/hookline/hookline/pkg/setting"
)

// EventExport says which events are exported, and how.
type EventExport struct {
	Filter journal.Filter
	Limit  int    // of events
	Redact string // a rule set of package privacy; empty: the events as they were stored
}

// ExportedEvents are the counts of an export.
type ExportedEvents struct {
	Events     int
	Unreadable int // of Events: without a body, because nothing can be redacted in it
}

// ExportEvents writes events as lines of JSON, the newest first. Pseudonyms are made with a key that is thrown away: within one export a
// person has one pseudonym, and nobody can find out whose it is.
func ExportEvents(ctx context.Context, from *Recorded, x EventExport, to io.Writer) (done ExportedEvents, err error) {
	redact, err := exportRedactor(x.Redact)
	if err != nil {
		return done, err
	}
	lines := json.NewEncoder(to)
	var failed error
	err = from.Find(ctx, x.Filter, func(e event.Event) bool {
		e, failed = redact(e)
		if errors.Is(failed, privacy.ErrUnreadable) {
			done.Unreadable++
			failed = nil
		}
		if failed == nil {
			failed = lines.Encode(e)
		}
		if failed == nil {
			done.Events++
		}
		return failed == nil && done.Events < x.Limit
	})
	return done, errors.Join(err, failed)
}

func exportRedactor(set string) (func(event.Event) (event.Event, error), error) {
	if set == "" {
		return func(e event.Event) (event.Event, error) { return e, nil }, nil
	}
	redactor, err := privacy.New(privacy.Config{Set: set, Key: setting.Secret(rand.Text() + rand.Text())})
	if err != nil {
		return nil, err
	}
	return redactor.Event, nil
}
