package worker_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/privacy"
	"github.com/hookline/hookline/worker"
)

func TestAHandlersContextEndsWithTheHandler(t *testing.T) {
	t.Parallel()
	var kept context.Context //nolint:containedctx // as a handler with a goroutine of its own would keep it
	b := newBench(t, &fakeBroker{}, route("r", func(ctx context.Context, _ event.Delivery) error {
		kept = ctx
		if _, ok := ctx.Deadline(); !ok || ctx.Err() != nil {
			t.Errorf("no deadline, or ended: %v", ctx.Err())
		}
		return nil
	}))
	if o, err := b.Process(t.Context(), delivery("job_end", "")); err != nil || o.Verdict != broker.VerdictAck {
		t.Fatalf("%+v, %v", o, err)
	}
	if !errors.Is(kept.Err(), context.Canceled) {
		t.Errorf("the context of a handler that has returned: %v", kept.Err())
	}
}

// TestAFilterThatIsNoYesOrNoIsAFailedAttempt follows the event to its outcome: it must not count as left out.
func TestAFilterThatIsNoYesOrNoIsAFailedAttempt(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]broker.Verdict{
		`{"name":true}`: broker.VerdictRetry, // the handler's
		`{"name":null}`: broker.VerdictAck, `{}`: broker.VerdictAck, `{"name":false}`: broker.VerdictAck,
		`{"name":"true"}`: broker.VerdictDead, `{"name":1}`: broker.VerdictDead, `{"name":[]}`: broker.VerdictDead,
	} {
		r := route("r", func(context.Context, event.Delivery) error { return errors.New("called") })
		r.Where = filter(t, "data.name")
		b := newBench(t, &fakeBroker{}, r)
		o, err := b.Process(t.Context(), delivery("job_end", body))
		if err != nil || o.Verdict != want {
			t.Errorf("%s: %+v, %v", body, o, err)
		}
		if o.Verdict == broker.VerdictDead && (o.Err == nil || !strings.Contains(o.Err.Error(), "where: ")) {
			t.Errorf("%s: %v", body, o.Err)
		}
	}
}

func TestARedactedHandlerGetsNoPersonalData(t *testing.T) {
	t.Parallel()
	r, err := privacy.New(privacy.Config{Mask: []string{"user"}})
	if err != nil {
		t.Fatal(err)
	}
	failed := errors.New("of the handler")
	var got []string
	h := worker.Redacted(r, handler.Func(func(_ context.Context, d event.Delivery) error {
		got = append(got, string(d.Event.Data)+" "+d.Event.Header[privacy.Header])
		return failed
	}))
	if err := h.Handle(t.Context(), delivery("loan", `{"user":"jane"}`)); !errors.Is(err, failed) || len(got) != 1 || got[0] != `{"user":"***"} mask user` {
		t.Errorf("%v, handled %q", err, got)
	}
	if err := h.Handle(t.Context(), delivery("loan", `jane`)); !errors.Is(err, privacy.ErrUnreadable) || !handler.IsPermanent(err) || len(got) != 1 {
		t.Errorf("unreadable: %v, handled %q", err, got)
	}
}
