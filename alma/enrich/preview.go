package enrich

import (
	"context"
	"strings"

	"github.com/hookline/hookline/alma"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
)

// Preview returns the document that Handle would read, and the preview of the next handler for an event whose document Alma no longer has.
func (e *enricher) Preview(ctx context.Context, d event.Delivery) (p handler.Preview, err error) {
	body, err := object(d)
	if err != nil {
		return p, err
	}
	var asked question
	if _, err := reads(&asked)[e.what](ctx, body); handler.IsPermanent(err) {
		return p, wrap(err)
	}
	d.Event.Data = with(body, []byte("null"))
	p, err = handler.PreviewOf(ctx, e.next, d)
	p.Add("enriched by", asked.text)
	p.Unknown = append(p.Unknown, "Alma is not asked, so enriched is null")
	return p, err
}

// question is an Alma without documents that keeps the last question.
type question struct{ text string }

func (q *question) ask(words ...string) ([]byte, error) {
	q.text = strings.Join(words, " ")
	return nil, alma.ErrNoID
}

func (q *question) UserDocument(_ context.Context, id string) ([]byte, error) {
	return q.ask("user", id)
}

func (q *question) Bib(_ context.Context, mmsID string) ([]byte, error) { return q.ask("bib", mmsID) }

func (q *question) Item(_ context.Context, mmsID, holdingID, itemID string) ([]byte, error) {
	return q.ask("item", mmsID, holdingID, itemID)
}

func (q *question) ItemByBarcode(_ context.Context, barcode string) ([]byte, error) {
	return q.ask("item with the barcode", barcode)
}
