package receiver

import (
	"errors"
	"fmt"
)

// sources holds all sources by name. A reload replaces it as a whole, so that a request keeps the sources that it began
// with.
type sources map[string]*source

// Reload replaces all sources, for requests that arrive from now on. On an error, which names every mistake, the present
// sources stay.
func (rc *Receiver) Reload(configs map[string]Source) error {
	next := make(sources, len(configs))
	var errs []error
	for name, s := range configs {
		made, err := newSource(name, s)
		if err == nil && made.MaxBody > rc.config.MaxMemory {
			err = &FieldError{name, "max_body", fmt.Errorf("%d is more than the %d bytes of max_memory", made.MaxBody, rc.config.MaxMemory)}
		}
		errs, next[name] = append(errs, err), made
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for name, s := range next {
		s.metrics = rc.metrics.source(name)
	}
	rc.sources.Store(&next)
	return nil
}
