package enrich_test

import (
	"context"
	"testing"

	"github.com/hookline/hookline/alma/enrich"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
)

// unasked fails a test that reads from Alma.
type unasked struct{ t *testing.T }

func (u unasked) UserDocument(context.Context, string) ([]byte, error) { return u.read() }
func (u unasked) Bib(context.Context, string) ([]byte, error)          { return u.read() }
func (u unasked) Item(context.Context, string, string, string) ([]byte, error) {
	return u.read()
}
func (u unasked) ItemByBarcode(context.Context, string) ([]byte, error) { return u.read() }

func (u unasked) read() ([]byte, error) {
	u.t.Error("a preview asked Alma")
	return nil, nil
}

func TestAPreviewNamesTheDocumentAndAsksNobody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ what, body, want string }{
		{"user", `{"item_loan":{"user_id":"u"}}`, "user u"},
		{"user", `{"job_instance":{"submitted_by":{"value":"System"}}}`, ""},
		{"bib", `{"bib":{"mms_id":"9"}}`, "bib 9"},
		{"item", `{"item":{"item_data":{"pid":"1"},"bib_data":{"mms_id":"2"},"holding_data":{"holding_id":"3"}}}`, "item 2 3 1"},
		{"item", `{"item_loan":{"item_barcode":"b"}}`, "item with the barcode b"},
	} {
		after := &next{}
		h, err := enrich.New(enrich.Config{What: c.what}, unasked{t}, after)
		if err != nil {
			t.Fatal(err)
		}
		p, err := handler.PreviewOf(t.Context(), h, event.Delivery{Event: event.Event{Data: []byte(c.body)}})
		parts := map[string]string{}
		for _, part := range p.Parts {
			parts[part.Name] = part.Text
		}
		if err != nil || len(after.got) > 0 || parts["enriched by"] != c.want || parts["body"] != `{"enriched":null,`+c.body[1:] || len(p.Unknown) != 2 {
			t.Errorf("%s of %s: %+v, %v", c.what, c.body, p, err)
		}
	}
}

func TestAPreviewHasTheErrorsOfTheEvent(t *testing.T) {
	t.Parallel()
	h, err := enrich.New(enrich.Config{What: "user"}, unasked{t}, &next{})
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"<xml/>", `{"item_loan":{"user_id":"hash:0123456789abcdef0123456789abcdef"}}`} {
		if _, err := handler.PreviewOf(t.Context(), h, event.Delivery{Event: event.Event{Data: []byte(body)}}); !handler.IsPermanent(err) {
			t.Errorf("%s: %v", body, err)
		}
	}
}
