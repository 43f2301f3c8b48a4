package handler_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
)

func TestRegistry(t *testing.T) {
	type settings struct{ Name string }
	r := handler.Registry{
		"ok": handler.NewKind(settings{"usual"}, func(s settings) (handler.Handler, error) {
			return handler.Func(func(context.Context, event.Delivery) error { return errors.New(s.Name) }), nil
		}),
		"bad": handler.NewKind(settings{}, func(settings) (handler.Handler, error) { return nil, errors.New("constructed") }),
	}
	for name, decode := range map[string]func(any) error{
		"usual": func(any) error { return nil },
		"other": func(into any) error { into.(*settings).Name = "other"; return nil },
	} {
		if h, err := r.New("ok", decode); err != nil || h.Handle(t.Context(), event.Delivery{}).Error() != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := r["ok"].Config(); got != (settings{"usual"}) {
		t.Errorf("the defaults are %v", got)
	}
	if _, err := r.New("fil", nil); err == nil || !strings.Contains(err.Error(), "bad, ok") {
		t.Errorf("unknown kind: %v", err)
	}
	wrong := errors.New("wrong")
	if _, err := r.New("bad", func(any) error { return wrong }); !errors.Is(err, wrong) {
		t.Errorf("bad: %v", err)
	}
}
