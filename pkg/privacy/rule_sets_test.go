package privacy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/privacy"
)

// TestAlmaPatronsInEverySample holds what Alma sends in JSON and in XML against the set.
func TestAlmaPatronsInEverySample(t *testing.T) {
	t.Parallel()
	r := redactor(t, privacy.Config{Set: privacy.AlmaPatrons})
	files, err := filepath.Glob("../../sender/samples/alma/*")
	if err != nil || len(files) < 40 {
		t.Fatal(files, err)
	}
	pseudonyms := map[string]bool{}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Event(event.Event{Data: body})
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		name, text := filepath.Base(file), string(got.Data)
		personal := strings.Contains(string(body), "sample.patron")
		if changed := text != string(body); changed != personal || (got.Header[privacy.Header] != "") != changed {
			t.Errorf("%s: %v\n%s", name, got.Header, text)
		}
		for _, mark := range []string{"sample.patron", "Sample Patron", "Example Street", "555 0100", "2000000000014", ">Patron<", `"Patron"`} {
			if strings.Contains(text, mark) {
				t.Errorf("%s has %s:\n%s", name, mark, text)
			}
		}
		for _, stays := range []string{"{{id}}", "01EXAMPLE_INST", "{{time}}"} {
			if !strings.Contains(text, stays) {
				t.Errorf("%s has no %s:\n%s", name, stays, text)
			}
		}
		if i := strings.Index(text, privacy.Prefix); i >= 0 {
			pseudonyms[text[i:i+37]] = true
		} else if personal {
			t.Errorf("%s has no pseudonym:\n%s", name, text)
		}
		if strings.HasSuffix(name, ".json") && !gjson.Valid(text) {
			t.Errorf("%s is no JSON any more:\n%s", name, text)
		}
	}
	if len(pseudonyms) != 1 {
		t.Errorf("one patron has the pseudonyms %v", pseudonyms)
	}
}

func TestAlmaPatronsDropsUnknownFields(t *testing.T) {
	t.Parallel()
	r := redactor(t, privacy.Config{Set: privacy.AlmaPatrons, Keep: []string{"user_request.additional_id"}})
	for body, want := range map[string]string{
		`{"id":"1","action":"LOAN","item_loan":{"loan_id":"12345678901234567890","link":"/users/p","user_id":null,"new":{"x":"p"},"title":"t"}}`: `{"id":"1","action":"LOAN","item_loan":{"loan_id":"12345678901234567890","user_id":null,"title":"t"}}`,
		`{"id":"1","webhook_notifications":{"letter":"p"},"action":"NOTIFICATION"}`:                                                              `{"id":"1","action":"NOTIFICATION"}`,
		`{"webhook_user":"p","item_loan":["p"]}`:               `{"webhook_user":null,"item_loan":[null]}`,
		`{"user_request":{"comment":"p","additional_id":"7"}}`: `{"user_request":{"additional_id":"7"}}`,
		`{"enriched":{"link":"/users/p","full_name":"p","user_group":{"value":"STAFF"},"linking_id":"p"},"webhook_user":{"user":{}}}`: `{"enriched":{"user_group":{"value":"STAFF"}},"webhook_user":{"user":{}}}`,
		`{"enriched":null,"bib":{"link":"/bibs/99"}}`: `{"enriched":null,"bib":{"link":"/bibs/99"}}`,
		`<webhook><item_loan link="/users/p"><library desc="Main">MAIN</library><p/></item_loan><letter>p</letter></webhook>`: `<webhook><item_loan><library desc="Main">MAIN</library></item_loan></webhook>`,
	} {
		if got, err := r.Event(event.Event{Data: []byte(body)}); err != nil || string(got.Data) != want {
			t.Errorf("%v\n%s\n%s", err, got.Data, want)
		}
	}
}

// TestAlmaPatronsKeepsEnrichedRecords has what Alma sends of a record and an item as what enrich has read, with a new field of Alma's.
func TestAlmaPatronsKeepsEnrichedRecords(t *testing.T) {
	t.Parallel()
	r := redactor(t, privacy.Config{Set: privacy.AlmaPatrons})
	for file, path := range map[string]string{"bib.bib_created.json": "bib", "item.item_updated.json": "item"} {
		body, err := os.ReadFile("../../sender/samples/alma/" + file)
		if err != nil {
			t.Fatal(err)
		}
		read := gjson.GetBytes(body, path)
		got, err := r.Event(event.Event{Data: []byte(`{"enriched":{"new":"p",` + strings.TrimPrefix(read.Raw, "{") + "}")})
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range read.Map() {
			if left := gjson.GetBytes(got.Data, "enriched."+name).Raw; left != value.Raw && name != "link" {
				t.Errorf("%s: %s became %s", file, name, left)
			}
		}
		if gjson.GetBytes(got.Data, "enriched.new").Exists() {
			t.Errorf("%s: new stays", file)
		}
	}
}

// FuzzRedact holds that what a stranger's body hides from the rules, it hides from whoever reads what is left as well.
func FuzzRedact(f *testing.F) {
	f.Add([]byte(`{"a":[{"b":"x","c":1}],"d":"y","A":{"b":{"b":[null,"",2]}}}`))
	f.Add([]byte(` [ {"d":1 , "a":2} , 3 , [] , "a\"\\" ] `))
	f.Add([]byte(`<w d='1' xmlns:d="u"><a c="&lt;"><b d:b = "x">y<!-- z --><![CDATA[z]]></b></a><?a b?><d/></w>`))
	f.Add([]byte(`<?xml version="1.0" encoding="latin1"?><!DOCTYPE w><w><a>é</a></w>`))
	f.Add([]byte("\ufeff{\"a\":1e5}"))
	r := redactor(f, privacy.Config{Drop: []string{"d", "*.x", "a.y.*"}, Hash: []string{"a.b"}, Mask: []string{"e"}, Keep: []string{"a.y.z"}})
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := r.Event(event.Event{Data: body})
		if err != nil {
			if got.Data != nil {
				t.Fatalf("%q stays of what cannot be read", got.Data)
			}
			return
		}
		again, err := r.Event(got)
		if err != nil || string(again.Data) != string(got.Data) || fmt.Sprint(again.Header) != fmt.Sprint(got.Header) {
			t.Fatalf("%v\n%q\n%q\n%q", err, body, got.Data, again.Data)
		}
		text := strings.TrimPrefix(string(got.Data), "\ufeff")
		if !strings.HasPrefix(strings.TrimSpace(text), "<") && text != "" {
			if strings.TrimSpace(text) != "" && !gjson.Valid(text) {
				t.Fatalf("%q became %q", body, text)
			}
			gjson.Parse(text).ForEach(func(name, value gjson.Result) bool {
				if strings.EqualFold(name.Str, "d") {
					t.Fatalf("%q became %q", body, text)
				}
				if strings.EqualFold(name.Str, "e") && value.Type == gjson.String && value.Str != "" && value.Str != privacy.Mask {
					t.Fatalf("%q became %q", body, text)
				}
				return true
			})
		}
	})
}

func BenchmarkRedact(b *testing.B) {
	r := redactor(b, privacy.Config{Set: privacy.AlmaPatrons})
	for _, name := range []string{"loan.loan_created.json", "loan.loan_created.xml", "user+update.json", "bib.bib_created.json"} {
		b.Run(name, func(b *testing.B) {
			body, err := os.ReadFile("../../sender/samples/alma/" + name)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Event(event.Event{Data: body}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
