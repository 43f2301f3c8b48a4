package receiver

import (
	"errors"
	"fmt"
)

// table has all sources by name. It is never changed, only replaced: a request keeps the one that it began with.
type table map[string]*source

// Reload puts these sources into the place of all others, for requests that come from now on. It checks them first and
// names everything that is wrong; then the others stay.
func (rc *Receiver) Reload(sources map[string]Source) error {
	next := make(table, len(sources))
	var errs []error
	for name, s := range sources {
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
