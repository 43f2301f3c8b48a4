package jsonbody_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/hookline/hookline/pkg/jsonbody"
)

func TestTextTakesOneValueAndNothingElse(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		`{"a":1}`: true, "\ufeff \r\n{\"a\":1}\n ": true, `[]`: true, `"text"`: true,
		``: false, "\ufeff": false, `{"a":1} {}`: false, `{"a":1}x`: false, `{"a":1`: false, "{\"a\":1}\ufeff": false, strings.Repeat("[", 100_000): false,
	} {
		text, ok := jsonbody.Text([]byte(body))
		if ok != want || ok && text[0] != strings.TrimLeft(body, "\ufeff \r\n")[0] {
			t.Errorf("%.20q: %q, %v", body, text, ok)
		}
	}
}

func TestGetReadsAPath(t *testing.T) {
	t.Parallel()
	const text = "{ \"a\" : 1 , \"a\":{\"b\" : [ 10 , {\"c\":\"d\"} , [ ] ], \"x\":\"y\"}, \"e\\u0041\":true,\"n\":null,\"\":0, \"s\":\"q\\\"{\", \"z\":[{\"k\":1},{\"k\":2}] }"
	for path, want := range map[string]string{
		"a.b.0": "10", "a.b.1.c": `"d"`, "a.b.2": "[ ]", "a.x": `"y"`, "eA": "true", "n": "null", "s": `"q\"{"`, "a.b.#": "3", "z.#.k": "[1,2]", "z.1.k": "2",
		"": strings.TrimSpace(text), "a.b.3": "", "a.b.-1": "", "a.b.c": "", "b": "", "a.x.y": "", "missing.b": "",
	} {
		if got := jsonbody.Get([]byte(text), path); got.Raw != want {
			t.Errorf("%s is %q, want %q", path, got.Raw, want)
		}
	}
	for _, path := range []string{"", "a"} {
		if got := jsonbody.Get(nil, path); got.Exists() {
			t.Errorf("%q of no text is %q", path, got.Raw)
		}
	}
}

func TestTheLastOfTwoFieldsCounts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"a":{"b":1},"a":{"b":2}}`: "2", `{"a":{"b":1,"b":2}}`: "2", `{"a":{"b":1},"a":{}}`: "", `{"a":{"b":1},"\u0061":{"b":3}}`: "3", `{"a":{"b":1},"a":5}`: "",
	} {
		if got := jsonbody.Get([]byte(text), "a.b"); got.Raw != want {
			t.Errorf("%s: %q, want %q", text, got.Raw, want)
		}
	}
}

// TestStringsEndAtTheirQuote has strings that end in backslashes, in front of a field that has to be found.
func TestStringsEndAtTheirQuote(t *testing.T) {
	t.Parallel()
	for escapes := range 6 {
		text := `{"s":"x` + strings.Repeat(`\\`, escapes) + `","q":"` + strings.Repeat(`\\`, escapes) + `\"","a":1}`
		if got := jsonbody.Get([]byte(text), "a").Raw; got != "1" {
			t.Errorf("%s: a is %q", text, got)
		}
	}
}

func TestFieldsAreVisitedInTheirOrder(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"b":1, "a" : [2,{"x":"}"}] , "b":"three","\u0063":{}}`: `b=1 a=[2,{"x":"}"}] b="three" c={} `,
		" \n{} ": "", `[{"a":1}]`: "", `"a"`: "", "": "",
	} {
		got := ""
		jsonbody.Fields([]byte(text), func(name string, value []byte) { got += name + "=" + string(value) + " " })
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestEndIsBehindAValue(t *testing.T) {
	t.Parallel()
	for text, begin := range map[string]int{`[12|,3]`: 1, `["a]"|]`: 1, `[{"a":[1]}|,2]`: 1, `[true|]`: 1, `{"a":[[],{}]}|`: 0, `7|`: 0} {
		end := strings.Index(text, "|")
		if got := jsonbody.End([]byte(strings.Replace(text, "|", "", 1)), begin); got != end {
			t.Errorf("%s: %d, want %d", text, got, end)
		}
	}
	if got := jsonbody.Unquote([]byte(`"\u00e9\n"`)); got != "é\n" {
		t.Errorf("%q", got)
	}
}

func FuzzGet(f *testing.F) {
	f.Add([]byte(`{"a":{"b":[1,"x"]},"a":{"b":2}}`))
	f.Add([]byte("\ufeff[ {\"a\":{\"b\":\"\\u00e9\"}} ]"))
	f.Fuzz(func(t *testing.T, body []byte) {
		text, ok := jsonbody.Text(body)
		if !ok {
			return
		}
		var want any
		if json.Unmarshal(text, &want) != nil {
			return // a number out of range
		}
		exists := true
		for _, name := range []string{"a", "b"} {
			object, _ := want.(map[string]any)
			want, exists = object[name]
		}
		got := jsonbody.Get(text, "a.b")
		if got.Exists() != exists {
			t.Fatalf("%q: exists %v, want %v", text, got.Exists(), exists)
		}
		var value any
		if exists && (json.Unmarshal([]byte(got.Raw), &value) != nil || !reflect.DeepEqual(value, want)) {
			t.Fatalf("%q: %q, want %v", text, got.Raw, want)
		}
	})
}
