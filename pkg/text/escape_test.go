package text_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"unicode"

	"github.com/hookline/hookline/pkg/text"
)

func TestEscapeLeavesNothingThatIsNotPrintable(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"":                              "",
		"plain, Übung, 図書館, e\u0301, ❤": "plain, Übung, 図書館, e\u0301, ❤",
		"a line\n\tand a tab":           "a line\n\tand a tab",
		"\u009b31mHACK":                 `\u009b31mHACK`,
		"\x1b[31m\x7f\r\x00":            `\u001b[31m\u007f\u000d\u0000`,
		"user\u202egpj.exe\u2066":       `user\u202egpj.exe\u2066`,
		"a\u2028b\u2029c\u200bd\ufeffe": `a\u2028b\u2029c\u200bd\ufeffe`,
		"tag \U000e0041":                `tag \udb40\udc41`,
		"not \x9b UTF-8":                "not \ufffd UTF-8",
	} {
		if got := text.Escape(given); got != want {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		for _, left := range text.Escape(string(r)) {
			if !unicode.IsPrint(left) && left != '\n' && left != '\t' {
				t.Errorf("%U is left", left)
			}
		}
	}
}

// TestEscapedJSONHasTheSameValue writes each character into JSON.
func TestEscapedJSONHasTheSameValue(t *testing.T) {
	t.Parallel()
	var all []rune
	for r := rune(0); r <= unicode.MaxRune; r++ {
		all = append(all, r)
	}
	value := map[string]string{"all": string(all)}
	var b bytes.Buffer
	encoder := json.NewEncoder(text.NewWriter(&b))
	encoder.SetIndent("", "\t")
	if err := encoder.Encode(value); err != nil {
		t.Fatal(err)
	}
	var got map[string]string
	if err := json.Unmarshal(b.Bytes(), &got); err != nil || got["all"] != value["all"] {
		t.Errorf("another value, %v", err)
	}
}

func TestAWriterReturnsTheLengthThatItWasGiven(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := text.NewWriter(&b)
	if n, err := io.WriteString(w, "\u202ex"); n != 4 || err != nil || b.String() != `\u202ex` || w.Unwrap() != &b {
		t.Errorf("%d, %v, %q", n, err, &b)
	}
	if n, err := text.NewWriter(full{}).Write([]byte("x")); n != 0 || err == nil {
		t.Errorf("%d, %v", n, err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }
