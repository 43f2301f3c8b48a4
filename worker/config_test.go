package worker

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
)

// valid returns a route that Check accepts.
func valid() Route {
	r := Defaults()
	r.Name, r.Match = "r", []string{"#"}
	r.Handler = handler.Func(func(context.Context, event.Delivery) error { return nil })
	return r
}

// TestLimitsOfARoute has each limit, the value at it, and the value beyond it.
func TestLimitsOfARoute(t *testing.T) {
	t.Parallel()
	for field, values := range map[string][]struct {
		set func(*Route)
		ok  bool
	}{
		"concurrency": {
			{func(r *Route) { r.Concurrency = 0 }, false}, {func(r *Route) { r.Concurrency = 1 }, true},
			{func(r *Route) { r.Concurrency = 1000 }, true}, {func(r *Route) { r.Concurrency = 1001 }, false},
		},
		"timeout": {
			{func(r *Route) { r.Timeout = 0 }, false}, {func(r *Route) { r.Timeout = 1 }, true},
			{func(r *Route) { r.Timeout = 9 * time.Minute }, true}, {func(r *Route) { r.Timeout = 9*time.Minute + 1 }, false},
		},
		"retry.attempts": {{func(r *Route) { r.Retry.Attempts = 0 }, false}, {func(r *Route) { r.Retry.Attempts = 1 }, true}},
		"retry.first":    {{func(r *Route) { r.Retry.First = 0 }, false}, {func(r *Route) { r.Retry.First = 1 }, true}},
		"retry.max": {
			{func(r *Route) { r.Retry.Max = r.Retry.First - 1 }, false}, {func(r *Route) { r.Retry.Max = r.Retry.First }, true},
			{func(r *Route) { r.Retry.Max = 24 * time.Hour }, true}, {func(r *Route) { r.Retry.Max = 24*time.Hour + 1 }, false},
		},
		"pause.ratio": {
			{func(r *Route) { r.Pause.Ratio = 0 }, false}, {func(r *Route) { r.Pause.Ratio = 0.001 }, true},
			{func(r *Route) { r.Pause.Ratio = 1 }, true}, {func(r *Route) { r.Pause.Ratio = 1.001 }, false}, {func(r *Route) { r.Pause.Ratio = math.NaN() }, false},
		},
		"pause.of": {
			{func(r *Route) { r.Pause.Of = -1 }, false}, {func(r *Route) { r.Pause.Of = 0 }, true},
			{func(r *Route) { r.Pause.Of = 1000 }, true}, {func(r *Route) { r.Pause.Of = 1001 }, false},
		},
		"pause.first": {{func(r *Route) { r.Pause.First = 0 }, false}, {func(r *Route) { r.Pause.First = 1 }, true}},
		"pause.max": {
			{func(r *Route) { r.Pause.Max = r.Pause.First - 1 }, false}, {func(r *Route) { r.Pause.Max = r.Pause.First }, true},
			{func(r *Route) { r.Pause.Max = 24 * time.Hour }, true}, {func(r *Route) { r.Pause.Max = 24*time.Hour + 1 }, false},
		},
		"handler": {{func(r *Route) { r.Handler = nil }, false}},
	} {
		for i, value := range values {
			r := valid()
			value.set(&r)
			if err := r.Check(); (err == nil) != value.ok || err != nil && !strings.HasPrefix(err.Error(), field+": ") {
				t.Errorf("%s, value %d: %v", field, i+1, err)
			}
		}
	}
	for grace, ok := range map[time.Duration]bool{-1: false, 0: true} {
		if err := (Config{Grace: grace}).check(); (err == nil) != ok {
			t.Errorf("grace %v: %v", grace, err)
		}
	}
}

func TestDefaultsAreShownInOneLine(t *testing.T) {
	t.Parallel()
	r := Defaults()
	retry, _ := r.Retry.MarshalYAML()
	pause, _ := r.Pause.MarshalYAML()
	if retry != "20 attempts, 1s to 1h0m0s apart" || pause != "when 0.8 of the latest 20 events fail, 10s to 10m0s" {
		t.Errorf("%v; %v", retry, pause)
	}
	if r.Concurrency != 4 || r.Timeout != 30*time.Second || r.Pause.IsZero() || !(Pause{}).IsZero() {
		t.Errorf("%+v", r)
	}
}

func TestAFilterOfTheConfiguration(t *testing.T) {
	t.Parallel()
	read := func(text string, fails error) (f Filter, err error) {
		err = f.UnmarshalYAML(func(to any) error {
			*(to.(*string)) = text
			return fails
		})
		return f, err
	}
	if f, err := read(`source == "alma"`, nil); err != nil || f.IsZero() {
		t.Errorf("%v, %v", f, err)
	} else if shown, err := f.MarshalYAML(); shown != `source == "alma"` || err != nil {
		t.Errorf("shown as %v, %v", shown, err)
	}
	if f, err := read("", nil); err != nil || !f.IsZero() || !(*Filter)(nil).IsZero() {
		t.Errorf("an empty expression: %v, %v", f, err)
	}
	if f, err := read("source ==", nil); err == nil || !f.IsZero() {
		t.Errorf("a mistake: %v, %v", f, err)
	}
	if _, err := read("", errors.New("no text")); err == nil {
		t.Error("a value that is no text is accepted")
	}
	longest := `source == "` + strings.Repeat("x", MaxFilterLength-len(`source == ""`)) + `"`
	if _, err := NewFilter(longest); err != nil {
		t.Errorf("%d bytes: %v", len(longest), err)
	}
	if _, err := NewFilter(longest + " "); err == nil || !strings.Contains(err.Error(), "longer than 4096 bytes") {
		t.Errorf("one byte more: %v", err)
	}
	if _, err := NewFilter(`$env.data.x == 1`); err == nil || !strings.Contains(err.Error(), "$env is not available") {
		t.Errorf("$env: %v", err)
	}
}

func TestMembersOfValues(t *testing.T) {
	t.Parallel()
	list := []any{"a", "b", "c"}
	for name, c := range map[string]struct{ from, key, want any }{
		"field":              {map[string]any{"a": 1}, "a", 1},
		"missing field":      {map[string]any{"a": 1}, "b", nil},
		"number of a map":    {map[string]any{"a": 1}, 0, nil},
		"header":             {map[string]string{"a": "x"}, "a", "x"},
		"missing header":     {map[string]string{"a": "x"}, "b", nil},
		"number of a header": {map[string]string{"a": "x"}, 0, nil},
		"first":              {list, 0, "a"},
		"last":               {list, 2, "c"},
		"behind the last":    {list, 3, nil},
		"from the end":       {list, -1, "c"},
		"from the end again": {list, -3, "a"},
		"before the first":   {list, -4, nil},
		"a whole number":     {list, 1.0, "b"},
		"a part":             {list, 1.5, nil},
		"huge":               {list, float64(math.MaxInt32), nil},
		"huge and negative":  {list, -float64(math.MaxInt64), nil},
		"a text of a list":   {list, "0", nil},
		"of a text":          {"text", 0, nil},
		"of nothing":         {nil, "a", nil},
	} {
		if got := member(c.from, c.key); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestAPausedSourceIsASentence(t *testing.T) {
	t.Parallel()
	since := time.Now().Add(-time.Hour)
	p := PausedSource{Route: "r", Source: "alma", Since: since, NextTry: time.Now().Add(time.Hour), Reason: ReasonError, Error: "no\n  answer"}
	text := p.String()
	for _, want := range []string{"route r is paused for source alma since " + since.Local().Format(time.DateTime), "(error: no answer)", "one of them is tried at " + p.NextTry.Local().Format(time.DateTime)} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %s", want, text)
		}
	}
	p.NextTry = time.Now().Add(-time.Second)
	if text := p.String(); !strings.HasSuffix(text, "the next of them is tried at once") {
		t.Error(text)
	}
	if errorText(nil) != "" || len(errorText(errors.New(strings.Repeat("x", broker.MaxErrorText+1)))) != broker.MaxErrorText || errorText(errors.New("no")) != "no" {
		t.Error("the text of an error is not that of a log, or not cut")
	}
}
