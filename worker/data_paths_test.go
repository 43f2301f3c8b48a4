package worker

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/hookline/hookline/pkg/event"
)

// An excerpt must give an expression the same values as the whole body.
func TestAFilterReadsOnlyThePlacesThatItNames(t *testing.T) {
	t.Parallel()
	const body = `{"a":{"b":1,"c":[{"d":2},{"d":3}],"e.f":4},"g":"x","b":5,"a\u0067":7,"n":null,"twice":{"x":1},"twice":{"y":2}}`
	for expression, want := range map[string]string{
		"data.a.b == 1":                        `{"a":{"b":1}}`,
		"data.a.c[1].d == 3":                   `{"a":{"c":[{"d":2},{"d":3}]}}`,
		`data["a"]["e.f"] == 4`:                `{"a":{"e.f":4}}`,
		"any(data.a.c, .d == 2)":               `{"a":{"c":[{"d":2},{"d":3}]}}`,
		"data?.a?.b == 1":                      `{"a":{"b":1}}`,
		"(data.a.missing ?? 9) == 9":           `{"a":{}}`,
		"data.g.deeper == null":                `{"g":null}`,
		"data.a.b == 1 and data.b == 5":        `{"a":{"b":1},"b":5}`,
		"data.a.b == 1 and len(data.a) == 3":   `{"a":{"b":1,"c":[{"d":2},{"d":3}],"e.f":4}}`,
		"let x = data.a; x.b == 1":             `{"a":{"b":1,"c":[{"d":2},{"d":3}],"e.f":4}}`,
		`data[action == "y" ? "g" : "b"] == 5`: body,
		"data.ag == 7":                         `{"ag":7}`,
		"data.n == null":                       `{"n":null}`,
		"data.twice.x == null":                 `{"twice":{}}`,
		"data.twice.y == 2":                    `{"twice":{"y":2}}`,
	} {
		f, err := NewFilter(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		found, err := newExcerpt([]byte(body), f.needed)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
		}
		var whole any
		if err := json.Unmarshal([]byte(want), &whole); err != nil {
			t.Fatal(err)
		}
		if got, want := fmt.Sprint(found.decode()), fmt.Sprint(whole); got != want {
			t.Errorf("%s: %s, want %s", expression, got, want)
		}
		if chosen, err := f.Match(event.Delivery{Event: event.Event{Data: []byte(body)}}); err != nil || !chosen {
			t.Errorf("%s: %v, %v", expression, chosen, err)
		}
	}
}

func TestAFilterReadsABodyWithAByteOrderMark(t *testing.T) {
	t.Parallel()
	f, err := NewFilter("data.a == 1")
	if err != nil {
		t.Fatal(err)
	}
	if chosen, err := f.Match(event.Delivery{Event: event.Event{Data: []byte("\ufeff{\"a\":1}")}}); err != nil || !chosen {
		t.Error(chosen, err)
	}
}

func TestAFilterNamesAtMostFourMebibytes(t *testing.T) {
	f, err := NewFilter(`len(data.a) + len(data.b) > 5`)
	if err != nil {
		t.Fatal(err)
	}
	for length, fails := range map[int]bool{2<<20 - 100: false, 2<<20 + 100: true} {
		value := strings.Repeat("x", length)
		body := []byte(`{"a":"` + value + `","b":"` + value + `"}`)
		chosen, err := f.Match(event.Delivery{Event: event.Event{Data: body}})
		if (err != nil) != fails || chosen == fails {
			t.Errorf("twice %d bytes: %v, %v", length, chosen, err)
		}
	}
}

func TestALargeBodyTakesLittleMemory(t *testing.T) {
	body := []byte(`{"kind":"x","pad":[0` + strings.Repeat(",0", 8_000_000) + `]}`)
	for expression, fails := range map[string]bool{`data.kind == "x"`: false, "len(data.pad) > 5": true, "data != null": true} {
		f, err := NewFilter(expression)
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		chosen, err := f.Match(event.Delivery{Event: event.Event{Data: body}})
		runtime.ReadMemStats(&after)
		if chosen == fails || (err != nil) != fails {
			t.Errorf("%s: %v, %v", expression, chosen, err)
		}
		if fails && reasonOf(result{err: err}) != ReasonFilter {
			t.Errorf("%s: reason %s", expression, reasonOf(result{err: err}))
		}
		if made := after.TotalAlloc - before.TotalAlloc; made > 1<<20 {
			t.Errorf("%s: %d MiB", expression, made>>20)
		}
	}
}
