// Package deadline shares one context with a deadline among many callers. With a context and a timer for each, 10,000 events
// a second would need as much time for timers as for their signatures.
package deadline

import (
	"context"
	"sync/atomic"
	"time"
)

// Grain is the longest time that a shared context may end too late.
const Grain = 10 * time.Millisecond

// Shared returns the same context to all callers with about the same deadline. It serves deadlines that come in about
// ascending order, such as those of events that all have the same time: a deadline out of order gets a new context. The
// zero value is ready to use. It is safe for concurrent use.
type Shared struct {
	last atomic.Pointer[context.Context]
}

// Until returns a context that ends at t, or up to Grain later. The context has no values and no cancel function.
func (s *Shared) Until(t time.Time) context.Context {
	if last := s.last.Load(); last != nil {
		if end, _ := (*last).Deadline(); !t.After(end) && end.Sub(t) <= Grain {
			return *last
		}
	}
	ctx, cancel := context.WithDeadline(context.Background(), t.Add(Grain))
	context.AfterFunc(ctx, cancel)
	s.last.Store(&ctx)
	return ctx
}
