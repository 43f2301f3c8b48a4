package handler_test

import (
	"context"
	"errors"
	"testing"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
)

// never fails a test when it is called.
type never struct{ t *testing.T }

func (n never) Handle(context.Context, event.Delivery) error {
	n.t.Error("a preview called Handle")
	return nil
}

type previewed struct {
	never
	preview handler.Preview
	err     error
}

func (p previewed) Preview(context.Context, event.Delivery) (handler.Preview, error) {
	return p.preview, p.err
}

func TestAHandlerWithoutAPreviewShowsItsBodyOnly(t *testing.T) {
	t.Parallel()
	p, err := handler.PreviewOf(t.Context(), never{t}, event.Delivery{Event: event.Event{Data: []byte("abc")}})
	if err != nil || len(p.Parts) != 1 || p.Parts[0] != (handler.Part{Name: "body", Text: "abc"}) || len(p.Unknown) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestAPreviewerIsAsked(t *testing.T) {
	t.Parallel()
	var made handler.Preview
	made.Add("path", "a/b")
	made.Add("empty", "")
	made.AddSecret("url", "https://x")
	failed := errors.New("failed")
	p, err := handler.PreviewOf(t.Context(), previewed{never{t}, made, failed}, event.Delivery{})
	if !errors.Is(err, failed) || len(p.Parts) != 2 || p.Parts[1] != (handler.Part{Name: "url", Text: "https://x", Secret: true}) || p.Unknown != nil {
		t.Errorf("%+v, %v", p, err)
	}
}
