// Package text fills templates with events: for messages and bodies of requests.
package text

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/template"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/jsonbody"
)

// Template is a template of Go (https://pkg.go.dev/text/template); the zero value gives an empty text. Besides the language's
// functions it has json, which writes a value as JSON.
type Template struct{ template *template.Template }

// New parses a template. key is its key in the configuration.
func New(key, source string) (Template, error) {
	t, err := template.New(key).Funcs(template.FuncMap{"json": JSON}).Parse(source)
	if err != nil {
		return Template{}, fmt.Errorf("%s: %w", key, err)
	}
	return Template{t}, nil
}

// Fill returns the text for data, such as Of returns. A missing field, or null, is empty. The log gets the template's position from an error, but
// only the dead letter gets its reason: the template language's own text can quote the event.
func (t Template) Fill(data map[string]any) (string, error) {
	if t.template == nil {
		return "", nil
	}
	var b bytes.Buffer
	if err := t.template.Execute(&b, data); err != nil {
		position, reason, _ := strings.Cut(err.Error(), ">: ")
		return "", handler.Private(errors.New(position+">"), reason)
	}
	return strings.ReplaceAll(b.String(), "<no value>", ""), nil
}

// JSON returns v as JSON; it is the template function json.
func JSON(v any) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// MaxBody is the size in bytes of the largest body that a template reads. Its values take up to 20 times as much memory.
const MaxBody = 4 << 20

// Of returns the template data of an event: .id .source .action .route .time, and its JSON body as .data. It returns an error if the body is not JSON.
// It refuses a body of more than MaxBody.
func Of(d event.Delivery) (map[string]any, error) {
	if len(d.Event.Data) > MaxBody {
		return nil, fmt.Errorf("the body has %d bytes; a template reads at most %d", len(d.Event.Data), MaxBody)
	}
	var data any
	body, ok := jsonbody.Text(d.Event.Data)
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if !ok || decoder.Decode(&data) != nil {
		return nil, errors.New("the body is not JSON: choose JSON as the message type in the sender's form")
	}
	return map[string]any{
		"id": d.Event.ID, "source": d.Event.Source, "action": d.Event.Action, "route": d.Route, "time": d.Event.Time, "data": empty(data),
	}, nil
}

// null stands for JSON's null: a path through it is empty, as one through a missing field. Alma's events until 2023
// say "event":null where later ones leave the field out.
type null map[string]any

// String returns an empty text; as JSON it is null again.
func (null) String() string { return "" }

// empty replaces each nil with null.
func empty(v any) any {
	switch v := v.(type) {
	case nil:
		return null(nil)
	case map[string]any:
		for name, field := range v {
			v[name] = empty(field)
		}
	case []any:
		for i, item := range v {
			v[i] = empty(item)
		}
	}
	return v
}
