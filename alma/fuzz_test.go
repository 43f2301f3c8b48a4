package alma

import (
	"net/http"
	"strings"
	"testing"
)

func FuzzAnswer(f *testing.F) {
	for _, body := range []string{``, `{}`, `{"errorsExist":true}`, `{"errorList":{"error":[{"errorCode":"1"}]}}`, `{"errorList":{"error":{"errorCode":1}}}`,
		`<a><errorList><error><errorCode>x y</errorCode></error></errorList></a>`, `<a errorsExist`, "{\"errorsExist\":true,\"errorList\":null}\x00"} {
		f.Add(400, body)
		f.Add(200, body)
	}
	f.Add(101, "")
	f.Fuzz(func(t *testing.T, status int, body string) {
		err := checkResponse(&http.Response{StatusCode: status, Header: http.Header{}}, []byte(body))
		if (status < 200 || status > 299) && err == nil {
			t.Error("no success, no error")
		}
		if err != nil && (len(err.Error()) > 500 || strings.ContainsAny(err.Error(), "\n\x00")) {
			t.Errorf("%q", err)
		}
	})
}
