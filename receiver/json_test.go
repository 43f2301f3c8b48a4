package receiver_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/privacy"
	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/pkg/text"
	"github.com/hookline/hookline/receiver"
)

// The token of the verification, the places of ID and action, the redaction and a template read each of these bodies in the same way.
func TestAllReadersOfJSONAgree(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{ // the ID; empty: it is not JSON for any of them
		`{"token":"sesame-in-the-body","id":"1","action":"a"}`:                                       "1",
		"\ufeff \n" + `{"token":"sesame-in-the-body","id":"1","action":"a"}` + " \n":                 "1",
		`{"token":"wrong","id":"1","action":"b","token":"sesame-in-the-body","id":"2","action":"a"}`: "2",
		`{"token":"sesame-in-the-body","id":"1","action":"a"} x`:                                     "",
		`{"token":"sesame-in-the-body","id":"1","action":"a"`:                                        "",
	} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			var b fakeBroker
			source := receiver.Source{
				Verify:  signature.Scheme{Kind: signature.Token, Token: "json:token"},
				Secrets: signature.Secrets{{Value: setting.Secret("sesame-in-the-body")}},
				Event:   receiver.Extract{ID: []string{"unique:json:id"}, Action: []string{"json:action"}},
				Redact:  &privacy.Config{Drop: []string{"token"}},
			}
			got := serve(t, receiver.Config{Sources: checked(t, map[string]receiver.Source{"list": source})}, &b).post(t, "/webhooks/list", http.Header{}, body)
			if want == "" {
				refused(t, &b, got, http.StatusUnauthorized)
				return
			}
			if got.code != http.StatusOK {
				t.Fatalf("answered %d %s", got.code, got.body)
			}
			e := b.one(t)
			if e.ID != want || e.Action != "a" || strings.Contains(string(e.Data), "sesame") {
				t.Errorf("stored %s %s %s", e.ID, e.Action, e.Data)
			}
			data, err := text.Of(event.Delivery{Event: e})
			if fields, _ := data["data"].(map[string]any); err != nil || fields["id"] != want {
				t.Errorf("a template reads %v, %v", data, err)
			}
		})
	}
}
