package handler

import (
	"context"

	"github.com/hookline/hookline/pkg/event"
)

// Previewer is a Handler that can say what it would do. `hookline what-if` compares the previews of two configurations. A handler without it
// works everywhere else.
type Previewer interface {
	// Preview returns the result that Handle would have for d, made by the same code. It has no effects: it makes no request, runs no program and
	// writes nothing. It returns the error that Handle would return before its first effect.
	Preview(ctx context.Context, d event.Delivery) (Preview, error)
}

// Preview is the result of a handler for an event, without its effects.
type Preview struct {
	// Parts are the outputs of the handler, each with a name of its own.
	Parts []Part
	// Unknown says in one sentence each the parts that need an effect.
	Unknown []string
}

// Part is one part of a Preview: the path of a file, the body of a request.
type Part struct {
	Name string
	// Text is compared byte by byte; it may be any bytes.
	Text string
	// Secret texts are compared and never shown, because they can hold a secret of the configuration.
	Secret bool
}

// Add adds a part, unless its text is empty.
func (p *Preview) Add(name, text string) {
	if text != "" {
		p.Parts = append(p.Parts, Part{Name: name, Text: text})
	}
}

// AddSecret adds a part that is never shown, unless its text is empty.
func (p *Preview) AddSecret(name, text string) {
	if text != "" {
		p.Parts = append(p.Parts, Part{Name: name, Text: text, Secret: true})
	}
}

// PreviewOf returns the preview of h. Of a handler that is no Previewer it knows only the body that the handler gets.
func PreviewOf(ctx context.Context, h Handler, d event.Delivery) (Preview, error) {
	if previewer, ok := h.(Previewer); ok {
		return previewer.Preview(ctx, d)
	}
	p := Preview{Unknown: []string{"the handler has no preview, so only the body that it gets is compared"}}
	p.Add("body", string(d.Event.Data))
	return p, nil
}
