// Package enrich is a step before a route's handler. It adds Alma's current data to an event.
//
// An event describes the past: Alma repeats an event for up to ten hours. The next handler gets the sender's JSON object with one
// more field, "enriched": the user, the bibliographic record or the item from Alma's API. The field is null if Alma no longer has it, or
// if the event names none. ID, source, action and time stay the same.
//
// Duplicates: only reads are repeated. The next handler can get two different bodies for one event.
package enrich

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tidwall/gjson"

	"github.com/hookline/hookline/alma"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/jsonbody"
	"github.com/hookline/hookline/pkg/privacy"
)

// Config names the document that is read.
type Config struct {
	// What is the document: user, bib or item, of the one that the event names.
	What string `yaml:"what" schema:"required; enum=user|bib|item"`
	// Alma is the institution, by its name under alma; needed if there are several.
	Alma string `yaml:"alma"`
}

// MarshalYAML shows the document.
func (c Config) MarshalYAML() (any, error) { return c.What, nil }

// Users reads documents of users.
type Users interface {
	UserDocument(ctx context.Context, id string) ([]byte, error)
}

// Catalog reads documents of a library's holdings.
type Catalog interface {
	Bib(ctx context.Context, mmsID string) ([]byte, error)
	Item(ctx context.Context, mmsID, holdingID, itemID string) ([]byte, error)
	ItemByBarcode(ctx context.Context, barcode string) ([]byte, error)
}

// Alma reads documents; alma.Client does.
type Alma interface {
	Users
	Catalog
}

type enricher struct {
	what string
	read read
	next handler.Handler
}

// read reads the document that an event's body names.
type read func(ctx context.Context, body []byte) ([]byte, error)

// New checks cfg and returns the step before next. It makes no request.
func New(cfg Config, from Alma, next handler.Handler) (handler.Handler, error) {
	read, known := reads(from)[cfg.What]
	if !known {
		return nil, fmt.Errorf("what %q: must be user, bib or item", cfg.What)
	}
	return &enricher{cfg.What, read, next}, nil
}

// reads returns the functions that read each document.
func reads(from Alma) map[string]read {
	return map[string]read{
		"user": func(ctx context.Context, body []byte) ([]byte, error) {
			id := first(body, "job_instance.submitted_by.value", "item_loan.user_id", "user_request.user_primary_id", "webhook_user.user.primary_id")
			switch {
			case alma.IsSystem(id):
				return nil, alma.ErrNoID
			case privacy.Redacted(id):
				return nil, handler.Permanent(errors.New("the user's ID is redacted already; redact in the routes instead of at the source"))
			}
			return from.UserDocument(ctx, id)
		},
		"bib": func(ctx context.Context, body []byte) ([]byte, error) {
			return from.Bib(ctx, first(body, "bib.mms_id", "item.bib_data.mms_id", "item_loan.mms_id", "user_request.mms_id"))
		},
		"item": func(ctx context.Context, body []byte) ([]byte, error) {
			if pid := first(body, "item.item_data.pid"); pid != "" {
				return from.Item(ctx, first(body, "item.bib_data.mms_id"), first(body, "item.holding_data.holding_id"), pid)
			}
			return from.ItemByBarcode(ctx, first(body, "item_loan.item_barcode", "user_request.barcode"))
		},
	}
}

// Handle reads the document and passes the enriched event to the next handler.
func (e *enricher) Handle(ctx context.Context, d event.Delivery) error {
	body, err := object(d)
	if err != nil {
		return err
	}
	document, err := e.read(ctx, body)
	var used *alma.QuotaError
	switch {
	case errors.Is(err, alma.ErrNotFound), errors.Is(err, alma.ErrNoID):
		document = []byte("null")
	case errors.As(err, &used):
		return handler.RetryAfter(used.Wait(), fmt.Errorf("enrich: %w", err))
	case err != nil:
		return wrap(err)
	case !json.Valid(document):
		return errors.New("enrich: Alma's answer is not JSON")
	}
	d.Event.Data = with(body, document)
	return e.next.Handle(ctx, d)
}

func wrap(err error) error { return fmt.Errorf("enrich: %w", err) }

// object returns the body of a delivery, which has to be a JSON object.
func object(d event.Delivery) ([]byte, error) {
	body, ok := jsonbody.Text(d.Event.Data)
	if !ok || body[0] != '{' {
		return nil, handler.Permanent(errors.New("enrich: the body is not a JSON object: choose JSON as the message type in Alma's form"))
	}
	return body, nil
}

// with adds the field to an object and leaves its other bytes as they are, numbers too.
func with(object, document []byte) []byte {
	rest := bytes.TrimSpace(object[1:])
	separator := ","
	if rest[0] == '}' {
		separator = ""
	}
	return fmt.Appendf(make([]byte, 0, len(object)+len(document)+20), `{"enriched":%s%s%s`, document, separator, rest)
}

// first returns the first of the paths that is in the event.
func first(body []byte, paths ...string) string {
	for _, path := range paths {
		if found := jsonbody.Get(body, path); found.Type == gjson.String && found.Str != "" {
			return found.Str
		}
	}
	return ""
}
