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
	r := handler.Registry{
		"ok": func(func(any) error) (handler.Handler, error) {
			return handler.Func(func(context.Context, event.Delivery) error { return nil }), nil
		},
		"bad": func(decode func(any) error) (handler.Handler, error) { return nil, decode(nil) },
	}
	if h, err := r.New("ok", nil); err != nil || h.Handle(t.Context(), event.Delivery{}) != nil {
		t.Errorf("ok: %v", err)
	}
	if _, err := r.New("fil", nil); err == nil || !strings.Contains(err.Error(), "bad, ok") {
		t.Errorf("unknown kind: %v", err)
	}
	wrong := errors.New("wrong")
	if _, err := r.New("bad", func(any) error { return wrong }); !errors.Is(err, wrong) {
		t.Errorf("bad: %v", err)
	}
}
