package whatif

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/hookline/hookline/pkg/event"
)

// Fixtures are events in the JSON form of package event, one on a line. `hookline events export` writes them.
type Fixtures struct {
	name string
	from *bufio.Reader
}

// NewFixtures returns the events of a file. name is for errors. They can be visited once.
func NewFixtures(name string, from io.Reader) *Fixtures {
	return &Fixtures{name, bufio.NewReader(from)}
}

// Each visits the events in the order of the file. Empty lines are left out. An error names the line.
func (f *Fixtures) Each(ctx context.Context, since time.Time, visit func(e event.Event) (more bool)) error {
	for number := 1; ; number++ {
		line, err := f.from.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			var e event.Event
			if err := json.Unmarshal(line, &e); err != nil {
				return fmt.Errorf("%s:%d: not an event in its JSON form, as `hookline events export` writes it: %w", f.name, number, err)
			}
			if !e.Time.Before(since) && !visit(e) {
				return nil
			}
		}
		if err != nil || ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}
