package alma

import (
	"context"
	"net/url"
)

// Bib returns a bibliographic record as JSON, with its current availability: physical, electronic, digital.
func (c *Client) Bib(ctx context.Context, mmsID string) ([]byte, error) {
	return c.getOne(ctx, "/bibs/%s", url.Values{"view": {"full"}, "expand": {"p_avail,e_avail,d_avail"}}, mmsID)
}

// Item returns an item as JSON.
func (c *Client) Item(ctx context.Context, mmsID, holdingID, itemID string) ([]byte, error) {
	return c.getOne(ctx, "/bibs/%s/holdings/%s/items/%s", nil, mmsID, holdingID, itemID)
}

// ItemByBarcode returns the item with a barcode as JSON.
func (c *Client) ItemByBarcode(ctx context.Context, barcode string) ([]byte, error) {
	if barcode == "" {
		return nil, ErrNoID
	}
	return c.getOne(ctx, "/items", url.Values{"item_barcode": {barcode}})
}
