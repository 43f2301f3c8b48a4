package privacy_test

import (
	"strings"
	"testing"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/privacy"
)

func TestRedactedKnowsHashesAndMasksOnly(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]bool{
		privacy.Mask: true, pseudonym: true,
		"": false, "**": false, "****": false, "x***": false, "hash:": false, "patron": false,
		pseudonym[1:]: false, pseudonym + "0": false, pseudonym[:len(pseudonym)-1]: false, "x" + pseudonym: false, pseudonym + "\n": false,
		strings.ToUpper(pseudonym): false, "hash:" + strings.Repeat("g", 32): false,
	} {
		if got := privacy.Redacted(value); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
}

// TestOnlyAHashIsNotHashedAgain has values that a person could choose to look like a hash.
func TestOnlyAHashIsNotHashedAgain(t *testing.T) {
	t.Parallel()
	r := redactor(t, privacy.Config{Hash: []string{"a"}})
	for value, again := range map[string]bool{
		pseudonym: false, pseudonym + "0": true, pseudonym[:len(pseudonym)-1]: true, "x" + pseudonym: true, strings.ToUpper(pseudonym): true, privacy.Mask: true,
	} {
		e, err := r.Event(event.Event{Data: []byte(`{"a":"` + value + `"}`)})
		if err != nil {
			t.Fatal(err)
		}
		if changed := string(e.Data) != `{"a":"`+value+`"}`; changed != again {
			t.Errorf("%q became %s", value, e.Data)
		}
	}
}

func TestEscapedTextsAreHashedByTheirCharacters(t *testing.T) {
	t.Parallel()
	r := redactor(t, privacy.Config{Hash: []string{"a"}})
	for _, text := range []string{`patron`, `p\u0061tron`, `\u0070\u0061\u0074\u0072\u006f\u006e`} {
		for _, name := range []string{`a`, `\u0061`, `A`} {
			e, err := r.Event(event.Event{Data: []byte(`{"` + name + `":"` + text + `"}`)})
			if want := `{"` + name + `":"` + pseudonym + `"}`; err != nil || string(e.Data) != want {
				t.Errorf("%s: %s is %s, %v", name, text, e.Data, err)
			}
		}
	}
}

func TestErrorsOfAConfigurationQuoteNoKey(t *testing.T) {
	t.Parallel()
	_, err := privacy.New(privacy.Config{Set: "none", Drop: []string{"a..b"}, Hash: []string{"a"}, Key: "hunter2"})
	if err == nil || strings.Contains(err.Error(), "hunter2") || strings.Count(err.Error(), "\n") < 2 {
		t.Errorf("%v", err)
	}
}
