// Package text makes texts of events by templates: messages, and bodies of requests.
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
)

// Template makes a text (https://pkg.go.dev/text/template); the zero value makes an empty one. Beside the language's own
// functions it has json, which writes a value as it stands in a JSON document.
type Template struct{ template *template.Template }

// New parses a template. key is what it is called in the configuration.
func New(key, source string) (Template, error) {
	t, err := template.New(key).Funcs(template.FuncMap{"json": JSON}).Parse(source)
	if err != nil {
		return Template{}, fmt.Errorf("%s: %w", key, err)
	}
	return Template{t}, nil
}

// Fill makes a text of data, such as Of gives. A field that is not there, or null, is empty. An error says in the log where the template
// does not fit, and only on the dead letter why: the template language's own words can quote the event.
func (t Template) Fill(data map[string]any) (string, error) {
	if t.template == nil {
		return "", nil
	}
	var b bytes.Buffer
	if err := t.template.Execute(&b, data); err != nil {
		place, why, _ := strings.Cut(err.Error(), ">: ")
		return "", handler.Private(errors.New(place+">"), why)
	}
	return strings.ReplaceAll(b.String(), "<no value>", ""), nil
}

// JSON is a value as it stands in a JSON document; it is the template function json.
func JSON(v any) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// Of is what templates see of an event: .id .source .action .route .time, and its JSON body as .data. An error says that the body is none.
func Of(d event.Delivery) (map[string]any, error) {
	var data any
	decoder := json.NewDecoder(bytes.NewReader(d.Event.Data))
	decoder.UseNumber()
	if err := decoder.Decode(&data); err != nil {
		return nil, errors.New("the body is not JSON: choose JSON as the message type in the sender's form")
	}
	return map[string]any{
		"id": d.Event.ID, "source": d.Event.Source, "action": d.Event.Action, "route": d.Route, "time": d.Event.Time, "data": empty(data),
	}, nil
}

// null stands for JSON's null: a path through it leads nowhere, as one through a field that is not there. Alma's events until 2023
// say "event":null where later ones say nothing.
type null map[string]any

// String makes it empty in a text; as JSON it is null again.
func (null) String() string { return "" }

// empty puts null into the place of each nil.
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
