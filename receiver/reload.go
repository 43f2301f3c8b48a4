package receiver

import (
	"errors"
	"fmt"
)

// Reload replaces all sources for new requests. A running request keeps the source that it began with. On an error, which
// names every mistake, the present sources stay.
func (rc *Receiver) Reload(sources Sources) error {
	next := make(Sources, len(sources))
	before := Sources{}
	if present := rc.sources.Load(); present != nil {
		before = *present
	}
	var errs []error
	for name, s := range sources {
		served := &source{Source: s.Source, name: name, verifier: s.verifier, extractor: s.extractor, redactor: s.redactor, limiter: s.limiter, repeats: s.repeats, unsignedID: s.unsignedID}
		if old, ok := before[name]; ok {
			served.repeats = old.repeats
		}
		if rc.config.MaxBody > 0 {
			served.MaxBody = min(s.MaxBody, rc.config.MaxBody)
		}
		if served.MaxBody > rc.config.MaxMemory {
			errs = append(errs, fmt.Errorf("sources.%s.max_body: %d is more than the %d bytes of max_memory", name, served.MaxBody, rc.config.MaxMemory))
		}
		next[name] = served
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
