package journal_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/journal"
)

func TestSearch(t *testing.T) {
	t.Parallel()
	s := open(t, journal.Config{Sources: map[string]journal.SourceConfig{"secret": {NoBodies: true}}})
	f := feedOf(t, s)
	for n, body := range []string{
		0: `{"mms_id":9912345678901234567,"title":"Die Leiden des jungen Werthers","fine":-12.50}`,
		1: `{"mms_id":9912345678901234568,"title":"Müller, \"Große\" Straße\nNovelle","nested":{"list":["alpha","beta"]},"ok":true}`,
		2: `<record type="marc"><title>Faust &amp; Gretchen</title></record>`,
		3: `name=Jane+Roe&mail=jane%40example.org`,
		4: "plain text: d1d45be6-cafe-feed-beef-9101e33430c6",
		5: "\x00\x01\xff binary werthers",
		6: `{"cut":"off Torso`,
		7: `{"file":"` + string(make64()) + `"}`,
	} {
		f.batch([]journal.Stored{received(n, body)}, nil)
	}
	hidden := received(8, `{"word":"werthers"}`)
	hidden.Event.Source = "secret"
	f.batch([]journal.Stored{hidden}, []journal.Attempt{ended(hidden, "mail", 1, journal.Dead, "host db-7.example.org: connection refused")})
	for text, want := range map[string][]string{
		"9912345678901234567": {"event-0"},
		"99123456789":         {"event-1", "event-0"},
		"WERTHERS leiden":     {"event-0"},
		"leid* jungen":        {"event-0"},
		"leid jungen":         {}, // only the last word is the begin of one
		"jungen leid":         {"event-0"},
		`"leiden des"`:        {"event-0"},
		`"des leiden"`:        {},
		"-12.50":              {"event-0"},
		"muller":              {"event-1"},
		"MÜLLER":              {"event-1"},
		"straße":              {"event-1"},
		"beta":                {"event-1"},
		"title":               {}, // a name of a field
		"faust gretchen":      {"event-2"},
		"marc":                {"event-2"},
		"jane@example.org":    {"event-3"},
		"roe":                 {"event-3"},
		"d1d45be6-cafe-feed":  {"event-4"},
		"d1d45be6-feed-cafe":  {},
		"torso":               {"event-6"},
		"event-4":             {"event-4"},
		"secret":              {"event-8"},
		"connection refused":  {"event-8"},
		"db-7.example.org":    {"event-8"},
		"mail unreachable":    {"event-8"},
		"nothing":             {},
		`" OR * NEAR(`:        {},
		"AND":                 {},
		"id : werthers":       {},
		"werthers) OR (alpha": {},
		`werthers" "`:         {"event-0"},
		"\x00werthers\xff":    {"event-0"},
	} {
		expectList(t, s, journal.Filter{Text: text}, want...)
	}
	if all := list(t, s, journal.Filter{Text: ` "--" *`}); len(all) != 9 {
		t.Errorf("a text without words finds %q", all)
	}
}

// make64 returns a text in base64.
func make64() []byte {
	text := make([]byte, 1000)
	for i := range text {
		text[i] = "QUJDRA"[i%6]
	}
	return text
}

// A search of a stranger is never an error, and an event of a stranger never harms the journal.
func FuzzSearch(f *testing.F) {
	f.Add("werthers", "id", []byte(`{"a":"werthers"}`), "error")
	f.Add(`"a b" c* AND NEAR(d) {key}:e -f ^g`, "i-d", []byte("<a b=\"c\">d"), "x\x00y")
	f.Add("\xff\x00\u0301", "", []byte("a=%zz&b=+"), "\xff")
	f.Add("ÄÖ\u00df", "x", []byte(`"\ud800`), "")
	s, err := journal.Open(journal.Config{Dir: f.TempDir()}, prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	number := int64(0)
	f.Fuzz(func(t *testing.T, text, id string, body []byte, failure string) {
		number++
		one := received(int(number), string(body))
		one.Event.ID = id
		b := journal.Batch{Process: "fuzz", Number: number, Stored: []journal.Stored{one}, Ended: []journal.Attempt{ended(one, "mail", 1, journal.Dead, failure)}}
		if err := s.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		events, _, err := s.Events(t.Context(), journal.Filter{Text: text}, journal.Page{Limit: 1})
		if err != nil {
			t.Fatalf("search %q: %v", text, err)
		}
		for _, e := range events {
			if _, err := s.Event(t.Context(), e.Seq); err != nil {
				t.Fatal(err)
			}
		}
		newest, _, err := s.Events(t.Context(), journal.Filter{}, journal.Page{Limit: 1})
		if err != nil || len(newest) != 1 {
			t.Fatalf("newest: %v, %v", newest, err)
		}
		if d, err := s.Event(t.Context(), newest[0].Seq); err != nil || string(d.Data) != string(body) {
			t.Fatalf("body %q, want %q: %v", d.Data, body, err)
		}
	})
}
