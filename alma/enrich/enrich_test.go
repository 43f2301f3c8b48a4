package enrich_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/tidwall/gjson"

	"github.com/hookline/hookline/alma"
	"github.com/hookline/hookline/alma/enrich"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
)

// next is a handler that keeps what it gets.
type next struct{ got []event.Delivery }

func (n *next) Handle(_ context.Context, d event.Delivery) error {
	n.got = append(n.got, d)
	return errors.New("of the next")
}

// library plays Alma's API: it answers with the path that it was asked for.
func library(t *testing.T) *alma.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.RequestURI(), "gone") {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"errorsExist":true,"errorList":{"error":[{"errorCode":"402203","errorMessage":"gone"}]}}`)
			return
		}
		if strings.Contains(r.URL.Path, "denied") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = io.WriteString(w, `{"asked":"`+r.URL.Path+strings.TrimPrefix(r.URL.Query().Get("item_barcode"), " ")+`"}`)
	}))
	t.Cleanup(server.Close)
	client, err := alma.New("main", alma.Config{URL: server.URL, Key: "key"}, alma.NewMetrics(prometheus.NewRegistry()))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestObjectsOfEachEvent(t *testing.T) {
	t.Parallel()
	client := library(t)
	for _, c := range []struct{ what, body, want string }{
		{"user", `{"job_instance":{"submitted_by":{"value":"op"}}}`, `{"asked":"/almaws/v1/users/op"}`},
		{"user", `{"job_instance":{"submitted_by":{"value":"System"}}}`, "null"},
		{"user", `{"item_loan":{"user_id":"u"}}`, `{"asked":"/almaws/v1/users/u"}`},
		{"user", `{"user_request":{"user_primary_id":"u"}}`, `{"asked":"/almaws/v1/users/u"}`},
		{"user", `{"webhook_user":{"user":{"primary_id":"u"}}}`, `{"asked":"/almaws/v1/users/u"}`},
		{"bib", `{"bib":{"mms_id":"99"},"item":null}`, `{"asked":"/almaws/v1/bibs/99"}`},
		{"bib", ` { "item_loan":{"mms_id":"98"} }`, `{"asked":"/almaws/v1/bibs/98"}`},
		{"bib", `{"bib":{"mms_id":"gone"}}`, "null"},
		{"item", `{"item":{"bib_data":{"mms_id":"99"},"holding_data":{"holding_id":"22"},"item_data":{"pid":"23"}}}`, `{"asked":"/almaws/v1/bibs/99/holdings/22/items/23"}`},
		{"item", `{"item_loan":{"item_barcode":"B1"}}`, `{"asked":"/almaws/v1/itemsB1"}`},
		{"item", `{}`, "null"}, {"bib", ` {} `, "null"},
	} {
		n := &next{}
		h, err := enrich.New(enrich.Config{What: c.what}, client, n)
		if err != nil {
			t.Fatal(err)
		}
		d := event.Delivery{Route: "r", Attempt: 2, Event: event.Event{ID: "1", Source: "alma", Action: "x", Data: []byte(c.body)}}
		if err := h.Handle(t.Context(), d); err == nil || err.Error() != "of the next" || len(n.got) != 1 {
			t.Errorf("%s: %v", c.body, err)
			continue
		}
		got := n.got[0]
		if !gjson.ValidBytes(got.Event.Data) || gjson.GetBytes(got.Event.Data, "enriched").Raw != c.want || got.Event.ID != "1" || got.Attempt != 2 {
			t.Errorf("%s of %s: %s", c.what, c.body, got.Event.Data)
		}
		for path, value := range gjson.Parse(c.body).Map() {
			if gjson.GetBytes(got.Event.Data, path).Raw != value.Raw {
				t.Errorf("%s was changed: %s", path, got.Event.Data)
			}
		}
	}
}

func TestEventsThatCannotBeEnriched(t *testing.T) {
	t.Parallel()
	client := library(t)
	deep := `{"bib":` + strings.Repeat("[", 64<<20) // gjson's own check would end the process
	for body, permanent := range map[string]bool{"<webhook/>": true, "[]": true, "": true, deep: true, `{"bib":{"mms_id":"denied"}}`: false} {
		n := &next{}
		h, err := enrich.New(enrich.Config{What: "bib"}, client, n)
		if err != nil {
			t.Fatal(err)
		}
		err = h.Handle(t.Context(), event.Delivery{Event: event.Event{Data: []byte(body)}})
		if err == nil || handler.IsPermanent(err) != permanent || len(n.got) != 0 {
			t.Errorf("%.100q: %v", body, err)
		}
	}
	if _, err := enrich.New(enrich.Config{What: "loan"}, client, &next{}); err == nil {
		t.Error("loan was accepted")
	}
}

func TestAPseudonymIsNotAskedFor(t *testing.T) {
	t.Parallel()
	n := &next{}
	h, err := enrich.New(enrich.Config{What: "user"}, library(t), n)
	if err != nil {
		t.Fatal(err)
	}
	body := `{"item_loan":{"user_id":"hash:0123456789abcdef0123456789abcdef"}}`
	if err := h.Handle(t.Context(), event.Delivery{Event: event.Event{Data: []byte(body)}}); !handler.IsPermanent(err) || !strings.Contains(err.Error(), "redacted") || len(n.got) != 0 {
		t.Error(err)
	}
}
