package receiver

import (
	"net/http"
	"strings"
	"testing"
)

// BenchmarkExtract measures the search for ID and action in an Alma event of 1.2 kB, as JSON and as XML.
func BenchmarkExtract(b *testing.B) {
	alma, _ := Preset("alma")
	x, err := newExtractor(alma.Event)
	if err != nil {
		b.Fatal(err)
	}
	long := strings.Repeat("x", 1050)
	for name, text := range map[string]string{
		"json": `{"id":"7","action":"LOAN","event":{"value":"LOAN_CREATED"},"item_loan":{"title":"` + long + `"}}`,
		"xml":  `<?xml version="1.0"?><webhook><id>7</id><action>LOAN</action><event>LOAN_CREATED</event><title>` + long + `</title></webhook>`,
	} {
		b.Run(name, func(b *testing.B) {
			body := []byte(text)
			b.ReportAllocs()
			for b.Loop() {
				if found := x.read(newPayload(http.Header{}, body, x.xmlPaths)); found.id != "7" || found.action != "loan.loan_created" {
					b.Fatal(found)
				}
			}
		})
	}
}
