package worker

import (
	"context"
	"runtime/debug"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/jsonbody"
)

// Preview is the result of a route for an event that matches it.
type Preview struct {
	Filtered bool            // the route's where leaves the event out
	Handler  handler.Preview // of an event that where chooses
	Err      error           // of where, or the handler's before its first effect
	Reason   string          // of Err: one of Reasons()
}

// Preview returns the result of a first attempt for an event, without its effects. It gives up after the route's timeout. External routes
// have no preview.
func (r Route) Preview(ctx context.Context, e event.Event, decoding *jsonbody.Budget) Preview {
	ctx, expire := context.WithTimeoutCause(ctx, r.Timeout, errTimeout)
	defer expire()
	d := event.Delivery{Event: e, Route: r.Name, Attempt: 1}
	if !r.Where.IsZero() {
		if chosen, err := r.Where.match(ctx, d, decoding); err != nil || !chosen {
			return r.preview(ctx, result{filtered: err == nil, err: err}, handler.Preview{})
		}
	}
	made, err := safePreview(ctx, r.Handler, d)
	return r.preview(ctx, result{called: true, err: err}, made)
}

func (r Route) preview(ctx context.Context, res result, made handler.Preview) Preview {
	p := Preview{Filtered: res.filtered, Handler: made, Err: res.err}
	if res.err != nil {
		res.cause = context.Cause(ctx)
		p.Reason = reasonOf(res)
	}
	return p
}

// safePreview turns a panic into an error, as for Handle.
func safePreview(ctx context.Context, h handler.Handler, d event.Delivery) (p handler.Preview, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &panicError{value, debug.Stack()}
		}
	}()
	p, err = handler.PreviewOf(ctx, h, d)
	return p, err
}
