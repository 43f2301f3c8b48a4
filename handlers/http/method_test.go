package http_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	forward "github.com/hookline/hookline/handlers/http"
)

func TestPostIsTheMethodWithoutAnother(t *testing.T) {
	t.Parallel()
	for configured, want := range map[string]string{"": http.MethodPost, http.MethodPatch: http.MethodPatch} {
		got := make(chan string, 1)
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r.Method }))
		if err := newHandler(t, forward.Config{URL: server.URL, Method: configured}).Handle(t.Context(), delivery("1")); err != nil {
			t.Error(err)
		}
		if method := <-got; method != want {
			t.Errorf("%q is sent for %q", method, configured)
		}
		server.Close()
	}
}
