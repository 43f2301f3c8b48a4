package receiver_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/signature"
)

// FuzzExtract checks that every signed message that is no handshake is stored unchanged, under an ID and a key that are
// valid in AMQP, and that a repeat has the same ID and key.
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
