package alma

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
)

// ErrNoID says that there is nothing to ask for.
var ErrNoID = errors.New("alma: the ID is empty")

// User returns what Alma knows of a person; id may be any identifier of theirs.
func (c *Client) User(ctx context.Context, id string) (User, error) {
	body, err := c.UserDocument(ctx, id)
	if err != nil {
		return User{}, err
	}
	var u User
	if err := json.Unmarshal(body, &u); err != nil {
		return User{}, errors.New("alma: the user cannot be read") // the error could quote the document
	}
	return u, nil
}

// UserDocument returns a person's whole record as JSON.
func (c *Client) UserDocument(ctx context.Context, id string) ([]byte, error) {
	return c.one(ctx, "/users/%s", url.Values{"user_id_type": {"all_unique"}, "view": {"full"}}, id)
}

// Bib returns a bibliographic record as JSON, with what is available of it at the time: physical, electronic, digital.
func (c *Client) Bib(ctx context.Context, mmsID string) ([]byte, error) {
	return c.one(ctx, "/bibs/%s", url.Values{"view": {"full"}, "expand": {"p_avail,e_avail,d_avail"}}, mmsID)
}

// Item returns an item as JSON.
func (c *Client) Item(ctx context.Context, mmsID, holdingID, itemID string) ([]byte, error) {
	return c.one(ctx, "/bibs/%s/holdings/%s/items/%s", nil, mmsID, holdingID, itemID)
}

// ItemOf returns the item with a barcode as JSON.
func (c *Client) ItemOf(ctx context.Context, barcode string) ([]byte, error) {
	if barcode == "" {
		return nil, ErrNoID
	}
	return c.one(ctx, "/items", url.Values{"item_barcode": {barcode}})
}

// one gets a path with IDs in it, each escaped: they may hold "@", "/" and spaces.
func (c *Client) one(ctx context.Context, path string, query url.Values, ids ...string) ([]byte, error) {
	escaped := make([]any, len(ids))
	for i, id := range ids {
		if id == "" || id == "." || id == ".." {
			return nil, ErrNoID
		}
		escaped[i] = url.PathEscape(id)
	}
	_, body, err := c.get(ctx, fmt.Sprintf(path, escaped...), query)
	return body, err
}
