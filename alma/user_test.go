package alma_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/hookline/hookline/alma"
)

func TestHowAUserIsReached(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, sms, email string }{
		"both": {`{"contact_info":{"phone":[{"phone_number":"1","preferred":true,"preferred_sms":null},{"phone_number":" 2 ","preferred_sms":true}],
			"email":[{"email_address":"a@x","preferred":false},{"email_address":"b@x","preferred":true}]}}`, "2", "b@x"},
		"no phone is marked":   {`{"contact_info":{"phone":[{"phone_number":"1","preferred":true,"preferred_sms":false}],"email":[]}}`, "", ""},
		"no mail is preferred": {`{"contact_info":{"email":[{"email_address":"a@x"}]}}`, "", ""},
		"nothing":              {`{"primary_id":"u"}`, "", ""},
		"nulls":                {`{"contact_info":{"phone":null,"email":null}}`, "", ""},
		"null":                 {`{"contact_info":null}`, "", ""},
	} {
		client := newClient(t, serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, c.body) }))
		if u, err := client.User(t.Context(), "u"); err != nil || u.SMS() != c.sms || u.Email() != c.email {
			t.Errorf("%s: %q, %q, %v", name, u.SMS(), u.Email(), err)
		}
	}
}

func TestSystemUsers(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{"": true, "System": true, "exl_impl": true, "AlmaAdmin": true, "system.admin": false, "operator": false} {
		if alma.IsSystem(id) != want {
			t.Errorf("%q: %v", id, !want)
		}
	}
}
