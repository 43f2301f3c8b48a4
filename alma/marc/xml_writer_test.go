package marc_test

import (
	"strings"
	"testing"

	"github.com/hookline/hookline/alma/marc"
)

func TestAFileOfXMLIsWholeWithoutARecord(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := marc.NewXMLWriter(&b).Close(); err != nil {
		t.Fatal(err)
	}
	const want = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<collection xmlns=\"http://www.loc.gov/MARC21/slim\">\n</collection>\n"
	if b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}
