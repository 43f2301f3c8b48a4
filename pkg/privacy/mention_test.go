package privacy_test

import (
	"testing"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/privacy"
)

func TestAMentionIsAWholeWord(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, in string
		want     bool
	}{
		{"4711", `{"user_id":"4711"}`, true},
		{"4711", `4711`, true},
		{" 4711 ", `<id>4711</id>`, true},
		{"4711", `/users/4711?x`, true},
		{"4711", `/users/4711.json`, true},
		{"4711", `of 4711.`, true},
		{"4711", `{"price":4711.50}`, false},
		{"4711", `{"price":0.4711}`, false},
		{"10", `10.5`, false},
		{"99", `99.5`, false},
		{"10", `a10`, false},
		{"4711", `{"user_id":"14711"}`, false},
		{"4711", `47110`, false},
		{"4711", `4711_b a4711 ä4711`, false},
		{"4711", `550e8400-4711-41d4`, false},
		{"4711", `47110 4711`, true},
		{"4711", `44711-4711`, false},
		{"4711", `- 4711 -`, true},
		{"AB-12", `{"id":"ab-12"}`, true},
		{"AB-12", `{"id":"ab-12-3"}`, false},
		{"s.patron", `s.patron@example.org`, true},
		{"Jörg Müller", `{"name":"J\u00f6rg M\u00FCller"}`, true},
		{"Jörg Müller", `<name>J&#246;rg M&uuml;ller</name>`, true},
		{"Jörg Müller", `name=J%C3%B6rg+M%C3%BCller&x=1`, true},
		{"jane@example.org", `note=50% done&mail=jane%40example.org&x=%zz%4`, true},
		{"Jörg Müller", `{"url":"?a=100%&n=J%c3%b6rg+M%C3%BCller"}`, true},
		{"50% done", `note=50% done`, true},
		{"Müller", "Mu\u0308ller", true},
		{"Müller", `{"name":"Mu\u0308ller"}`, true},
		{"Müller", `name=Mu%CC%88ller`, true},
		{"Mu\u0308ller", `Müller`, true},
		{"Mu\u0308ller", `{"name":"M\u00FCller"}`, true},
		{"Muller", "Mu\u0308ller", false},
		{"\u212b-1", "å-1", true},
		{"4711", `{"note":"line\n4711\tend"}`, true},
		{"a/b", `{"id":"a\/b"}`, true},
		{"4711", "\xff4711\xff", true},
		{"4711", ``, false},
	} {
		m, err := privacy.NewMention(c.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.InText(c.in); got != c.want {
			t.Errorf("%q in %q: %v, want %v", c.text, c.in, got, c.want)
		}
	}
	for _, bad := range []string{"", "  ", "-", `"`} {
		if _, err := privacy.NewMention(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestAMentionIsInIDHeaderAndBody(t *testing.T) {
	t.Parallel()
	m, err := privacy.NewMention("4711")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []event.Event{{ID: "4711"}, {Header: map[string]string{"X-User": "id=4711"}}, {Data: []byte("4711")}} {
		if !m.In(e) {
			t.Errorf("not found in %+v", e)
		}
	}
	if m.In(event.Event{ID: "1", Source: "4711", Data: []byte("x")}) {
		t.Error("found in the source")
	}
	for _, e := range []event.Event{{Data: []byte("\x1f\x8b\x08")}, {Data: []byte("4\x007\x001\x001\x00")}, {Data: []byte("\x004\x00711")}, {Header: map[string]string{"Content-Encoding": "gzip"}}} {
		if privacy.Searchable(e) {
			t.Errorf("searchable: %+v", e)
		}
	}
	if !privacy.Searchable(event.Event{Data: []byte("ä")}) {
		t.Error("text is not searchable")
	}
}
