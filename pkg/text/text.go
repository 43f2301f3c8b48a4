package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/template"

	"github.com/hookline/hookline/pkg/event"
)

// maxText is the longest text in characters: what Twilio and SNS take in one message of several parts.
const maxText = 1600

// text is a template over an event.
type text struct{ template *template.Template }

// newText parses a template. key is what it is called in the configuration.
func newText(key, source string) (text, error) {
	t, err := template.New(key).Funcs(template.FuncMap{"json": encode}).Parse(source)
	if err != nil {
		return text{}, fmt.Errorf("%s: %w", key, err)
	}
	return text{t}, nil
}

// fill makes the text of one event. A field that the event does not have is empty.
func (t text) fill(data map[string]any) (string, error) {
	if t.template == nil {
		return "", nil
	}
	var b bytes.Buffer
	if err := t.template.Execute(&b, data); err != nil {
		return "", fmt.Errorf("template: %w", err)
	}
	return strings.ReplaceAll(b.String(), "<no value>", ""), nil
}

// encode is the template function json: a value as it stands in a JSON document.
func encode(v any) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// view is what templates see of an event.
func view(d event.Delivery) (map[string]any, error) {
	var data any
	decoder := json.NewDecoder(bytes.NewReader(d.Event.Data))
	decoder.UseNumber()
	if err := decoder.Decode(&data); err != nil {
		return nil, errors.New("the body is not JSON: choose JSON as the message type in the sender's form")
	}
	return map[string]any{
		"id": d.Event.ID, "source": d.Event.Source, "action": d.Event.Action, "route": d.Route, "time": d.Event.Time, "data": data,
	}, nil
}

// cut shortens a text that is too long.
func cut(text string) string {
	if runes := []rune(text); len(runes) > maxText {
		return string(runes[:maxText-1]) + "…"
	}
	return text
}
