// Package deadline makes contexts that many share. A context with a timer for each of ten thousand events a second costs
// as much as their signatures do.
package deadline

import (
	"context"
	"sync/atomic"
	"time"
)

// Grain is how much later than asked a shared context may end.
const Grain = 10 * time.Millisecond

// Shared gives one context to all who ask for about the same time. It is for deadlines that come in about their order,
// such as those of events that all have as long: any other makes a context of its own. The zero value is ready, and safe
// for concurrent use.
type Shared struct {
	last atomic.Pointer[context.Context]
}

// Until returns a context that ends at t, or up to Grain later. Nobody can cancel it, and it has no values.
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
