package worker_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/privacy"
	"github.com/hookline/hookline/worker"
)

// previewer makes previews of a field, and fails the test when it is called.
type previewer struct{ t *testing.T }

func (p previewer) Handle(context.Context, event.Delivery) error {
	p.t.Error("a preview called Handle")
	return nil
}

func (p previewer) Preview(_ context.Context, d event.Delivery) (made handler.Preview, err error) {
	switch {
	case strings.Contains(string(d.Event.Data), "panic"):
		panic("on purpose")
	case strings.Contains(string(d.Event.Data), "final"):
		return made, handler.Permanent(context.Canceled)
	}
	made.Add("body", string(d.Event.Data))
	return made, nil
}

func TestARouteIsPreviewedWithoutItsEffects(t *testing.T) {
	t.Parallel()
	where, err := worker.NewFilter(`data.size > 5`)
	if err != nil {
		t.Fatal(err)
	}
	redactor, err := privacy.New(privacy.Config{Drop: []string{"who"}})
	if err != nil {
		t.Fatal(err)
	}
	route := worker.Defaults()
	route.Route = broker.Route{Name: "r", Match: []string{"#"}, Concurrency: 1}
	route.Where, route.Handler = where, worker.Redacted(redactor, previewer{t})
	for body, want := range map[string]worker.Preview{
		`{"size":6,"who":"x"}`:    {Handler: handler.Preview{Parts: []handler.Part{{Name: "body", Text: `{"size":6}`}}}},
		`{"size":5}`:              {Filtered: true},
		`{"who":"x"}`:             {Reason: worker.ReasonFilter},
		`{"size":6,"x":"panic"}`:  {Reason: worker.ReasonPanic},
		`{"size":6,"x":"final"}`:  {Reason: worker.ReasonPermanent},
		`{"size":6,"x":"other"} `: {Handler: handler.Preview{Parts: []handler.Part{{Name: "body", Text: `{"size":6,"x":"other"} `}}}},
	} {
		got := route.Preview(t.Context(), event.Event{ID: "1", Source: "s", Action: "a", Data: []byte(body)}, nil)
		if got.Filtered != want.Filtered || got.Reason != want.Reason || (got.Err != nil) != (want.Reason != "") || !slices.Equal(got.Handler.Parts, want.Handler.Parts) {
			t.Errorf("%s: %+v, want %+v", body, got, want)
		}
	}
}
