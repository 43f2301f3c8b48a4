package receiver_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/receiver"
)

func handlerFor(t testing.TB, cfg receiver.Config, b *fakeBroker) http.Handler {
	t.Helper()
	rc, err := receiver.New(cfg, b, prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return rc.Handler()
}

// request calls the handler without a network.
func request(t testing.TB, handler http.Handler, method, path string, header http.Header, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if header != nil {
		r.Header = header
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

// FuzzExtract holds that every signed message is stored as it came, under an ID and a key that AMQP can carry, unless it
// is a handshake; and that a repeat has the same ID and key.
func FuzzExtract(f *testing.F) {
	f.Add([]byte(`{"id":"7","action":"LOAN","event":{"value":"LOAN_CREATED"},"type":"a.b.","object_kind":"x","object":"page"}`), "a/b:c.d", "application/json")
	f.Add([]byte(`<webhook><id>7</id><action>&lt;B&#73;B</action><event><![CDATA[x]]>y</event></webhook>`), "\xff", "text/xml")
	f.Add([]byte(`<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a [<!ENTITY x "y">]><w><a/><action>&x;</action></w>`), "", "")
	f.Add([]byte(`payload=%7B%22action%22%3A%22x%22%7D&command=%2F&id=%00`), strings.Repeat("é", 300), form)
	f.Add([]byte(strings.Repeat("[", 20_000)), "..", form+"; charset")
	var b fakeBroker
	handler := handlerFor(f, every(f), &b)
	action := regexp.MustCompile(`^[a-z0-9_-]+(\.[a-z0-9_-]+)*$`)
	f.Fuzz(func(t *testing.T, body []byte, word, contentType string) {
		for _, name := range signature.Presets() {
			var first event.Event
			for range 2 {
				b.events = nil
				header := http.Header{"Content-Type": {contentType}, "X-Github-Event": {word}, "X-Shopify-Topic": {word}, "X-Event-Key": {word}, "X-Github-Delivery": {word}}
				sign(t, name, "msg_1", header, string(body))
				w := request(t, handler, http.MethodPost, "/webhooks/"+name, header, string(body))
				if len(b.events) == 0 {
					if name != "slack" && name != "zoom" {
						t.Fatalf("%s: answered %d %s", name, w.Code, w.Body)
					}
					break
				}
				e := b.events[0]
				if w.Code != http.StatusOK || string(e.Data) != string(body) || len(e.Key()) > event.MaxKey || !action.MatchString(e.Action) || e.ID == "" || len(e.ID) > event.MaxID {
					t.Fatalf("%s: answered %d, stored %+v", name, w.Code, e)
				}
				if first.ID != "" && (first.ID != e.ID && name != "dropbox" || first.Key() != e.Key()) {
					t.Fatalf("%s: %s %s, then %s %s", name, first.ID, first.Key(), e.ID, e.Key())
				}
				first = e
			}
		}
	})
}
