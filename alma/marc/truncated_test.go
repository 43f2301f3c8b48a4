package marc_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/hookline/hookline/alma/marc"
)

func TestACutOffFileIsAnError(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(io.Writer) marc.Writer{"xml": marc.NewXMLWriter, "binary": marc.NewBinaryWriter} {
		whole := write(t, make, book("1", "x"), book("2", "y"))
		step := 7
		for length := len(whole) - 2; length > 8; length -= step {
			_, _, err := all(t, marc.NewReader(strings.NewReader(whole[:length])))
			atEnd := name == "binary" && whole[length-1] == 0x1d
			if errors.Is(err, io.ErrUnexpectedEOF) == atEnd && length > 60 {
				t.Errorf("%s cut to %d of %d bytes: %v", name, length, len(whole), err)
			}
		}
	}
}

func TestTruncatedFileWithBadRecordsIsAnError(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]string{
		"a record in a record": `<record><leader><record><leader/></record></leader></record>`,
		"a record too long":    `<record><leader><x>` + strings.Repeat("x", marc.MaxRecord+1) + `</x></leader></record>`,
		"ends of nothing":      `</record></leader>`,
	} {
		for end, want := range map[string]error{"": io.ErrUnexpectedEOF, "</m:collection>": nil} {
			if _, _, err := all(t, marc.NewXMLReader(strings.NewReader(`<m:collection xmlns:m="x">`+bad+"<record/>"+end))); !errors.Is(err, want) {
				t.Errorf("%s, then %q: %v", name, end, err)
			}
		}
	}
}
