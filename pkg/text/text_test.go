package text_test

import (
	"strings"
	"testing"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/text"
)

// TestNullIsAsGoodAsMissing has Alma's events of both kinds: those until 2023 have "event":null, later ones have no event at all.
func TestNullIsAsGoodAsMissing(t *testing.T) {
	t.Parallel()
	for template, want := range map[string]string{
		`{{.data.event}}`:                           "",
		`{{.data.event.value}}`:                     "",
		`{{.data.event.value.more}}`:                "",
		`{{json .data.event}}`:                      "null",
		`{{json .data.event.value}}`:                "null",
		`{{with .data.event}}some{{else}}no{{end}}`: "no",
		`{{range .data.event}}some{{end}}`:          "",
		`{{or .data.event.value "none"}}`:           "none",
		`{{.data.status}}`:                          "ended",
	} {
		for _, body := range []string{`{"event":null,"status":"ended"}`, `{"status":"ended"}`} {
			made, err := text.New("key", template)
			if err != nil {
				t.Fatal(err)
			}
			data, err := text.Of(event.Delivery{Event: event.Event{Data: []byte(body)}})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := made.Fill(data); err != nil || got != want {
				t.Errorf("%s of %s: %q, %v", template, body, got, err)
			}
		}
	}
}

// TestErrorsQuoteNoEventInTheLog has templates that do not fit the event: the language's own words can quote it.
func TestErrorsQuoteNoEventInTheLog(t *testing.T) {
	t.Parallel()
	for _, template := range []string{
		`{{range .data.user}}{{.}}{{end}}`, `{{range .data.number}}{{end}}`, `{{.data.user.name}}`, `{{index .data.list .data.number}}`, `{{index .data.list .data.user}}`,
		`{{call .data.user}}`, `{{lt .data.user .data.list}}`, `{{slice .data.user 100}}`, `{{len .}}{{len .time.Year}}`, `{{template "x" .data.user}}{{define "x"}}{{.y}}{{end}}`,
	} {
		made, err := text.New("body", template)
		if err != nil {
			t.Fatal(err)
		}
		data, err := text.Of(event.Delivery{Event: event.Event{Data: []byte(`{"user":"patron","number":4711,"list":[1]}`)}})
		if err != nil {
			t.Fatal(err)
		}
		said, err := made.Fill(data)
		if err == nil {
			t.Errorf("%s: %q", template, said)
			continue
		}
		if log := handler.LogText(err); strings.Contains(log, "patron") || strings.Contains(log, "4711") || !strings.HasPrefix(log, "template: body:1:") {
			t.Errorf("%s: %s", template, log)
		}
	}
}

func TestJSONStaysUnchanged(t *testing.T) {
	t.Parallel()
	made, err := text.New("key", `{{json .data}} {{(index .data.l 1).y}}`)
	if err != nil {
		t.Fatal(err)
	}
	data, err := text.Of(event.Delivery{Event: event.Event{Data: []byte(`{"n":12345678901234567890.10,"l":[null,{"x":null}],"o":{"t":"<&>","z":null}}`)}})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := made.Fill(data); err != nil || got != `{"l":[null,{"x":null}],"n":12345678901234567890.10,"o":{"t":"<&>","z":null}} ` {
		t.Errorf("%s, %v", got, err)
	}
}

func TestOfRefusesABodyThatIsNotJSON(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "<event/>", "{"} {
		if data, err := text.Of(event.Delivery{Event: event.Event{Data: []byte(body)}}); err == nil || data != nil || !strings.Contains(err.Error(), "message type") {
			t.Errorf("%q: %v, %v", body, data, err)
		}
	}
}

func TestOfRefusesALargeBody(t *testing.T) {
	t.Parallel()
	for size, ok := range map[int]bool{text.MaxBody: true, text.MaxBody + 1: false} {
		body := `"` + strings.Repeat("x", size-2) + `"`
		data, err := text.Of(event.Delivery{Event: event.Event{Data: []byte(body)}})
		if (err == nil) != ok || (data != nil) != ok || !ok && !strings.Contains(err.Error(), "at most 4194304") {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

func TestJSONReturnsTheErrorOfAValue(t *testing.T) {
	t.Parallel()
	if s, err := text.JSON(func() {}); err == nil || s != "" {
		t.Errorf("%q, %v", s, err)
	}
}

func TestAnEmptyTemplateGivesAnEmptyText(t *testing.T) {
	t.Parallel()
	if s, err := (text.Template{}).Fill(nil); s != "" || err != nil {
		t.Errorf("%q, %v", s, err)
	}
}

func TestNewNamesTheKeyOfABrokenTemplate(t *testing.T) {
	t.Parallel()
	if made, err := text.New("subject", "{{.id"); err == nil || !strings.HasPrefix(err.Error(), "subject: ") || made != (text.Template{}) {
		t.Errorf("%v, %v", made, err)
	}
}
