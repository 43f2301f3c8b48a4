package receiver

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"
)

// removedFor is the time for which a source that a reload removed is answered 503. Alma repeats for 10 hours and never after a 404.
const removedFor = 24 * time.Hour

// served are the sources of new requests, and those that a reload removed.
type served struct {
	sources Sources
	removed map[string]removedSource
}

type removedSource struct {
	source *source
	until  time.Time
}

// Reload replaces all sources for new requests. A running request keeps the source that it began with. A source
// that is removed is answered 503 for a day, so that a mistake costs no event. On an error, which
// names every mistake, the present sources stay.
func (rc *Receiver) Reload(sources Sources) error {
	next := make(Sources, len(sources))
	before := rc.served.Load()
	if before == nil {
		before = &served{}
	}
	var errs []error
	for name, s := range sources {
		made := &source{Source: s.Source, name: name, verifier: s.verifier, extractor: s.extractor, redactor: s.redactor, limiter: s.limiter, repeats: s.repeats, rejections: s.rejections, unsignedID: s.unsignedID}
		if len(sources) > 1 {
			made.share = name
		}
		if old, ok := before.sources[name]; ok {
			made.repeats, made.rejections = old.repeats, old.rejections
		}
		if rc.config.MaxBody > 0 {
			made.MaxBody = min(s.MaxBody, rc.config.MaxBody)
		}
		if made.MaxBody > rc.config.MaxMemory {
			errs = append(errs, fmt.Errorf("sources.%s.max_body: %d is more than the %d bytes of max_memory", name, made.MaxBody, rc.config.MaxMemory))
		}
		next[name] = made
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for name, s := range next {
		s.metrics = rc.metrics.source(name)
	}
	rc.served.Store(&served{next, rc.removed(before, next)})
	return nil
}

// removed returns the sources that are gone since less than removedFor, and logs those that go now.
func (rc *Receiver) removed(before *served, next Sources) map[string]removedSource {
	now, gone := time.Now(), map[string]removedSource{}
	for name, s := range before.removed {
		if next[name] == nil && now.Before(s.until) {
			gone[name] = s
		}
	}
	for name, s := range before.sources {
		if next[name] == nil {
			gone[name] = removedSource{s, now.Add(removedFor)}
			rc.recorder.log.Warn("source removed by a reload: its requests are answered 503 until then, so that the sender repeats them; put it back if it was a mistake",
				zap.String("source", name), zap.Time("until", now.Add(removedFor)))
		}
	}
	return gone
}

// WeakSources returns the sorted names of the sources with a secret that a stranger can guess.
func (rc *Receiver) WeakSources() (names []string) {
	for name, s := range rc.served.Load().sources {
		if s.Weakness() != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
