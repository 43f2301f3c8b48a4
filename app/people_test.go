package app

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hookline/hookline/alma"
	"github.com/hookline/hookline/handlers/notify"
	"github.com/hookline/hookline/pkg/handler"
)

func TestAlmaPeople(t *testing.T) {
	t.Parallel()
	const failure = `{"errorsExist":true,"errorList":{"error":[{"errorCode":"%s","errorMessage":"unknown"}]}}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reply := func(status int, code string) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, strings.Replace(failure, "%s", code, 1))
		}
		switch r.URL.Path {
		case "/almaws/v1/users/unknown":
			reply(http.StatusBadRequest, "401861")
		case "/almaws/v1/users/denied":
			reply(http.StatusForbidden, "UNAUTHORIZED")
		case "/almaws/v1/users/quota":
			reply(http.StatusTooManyRequests, "DAILY_THRESHOLD")
		case "/almaws/v1/users/operator":
			_, _ = io.WriteString(w, `{"primary_id":"operator","first_name":"Sample","last_name":"Operator","preferred_language":{"value":"de"},
				"contact_info":{"phone":[{"phone_number":"1","preferred_sms":true}],"email":[{"email_address":"a@example.org","preferred":true}]}}`)
		default:
			t.Errorf("asked for %s", r.URL.Path)
		}
	}))
	t.Cleanup(server.Close)
	client, err := alma.New("main", alma.Config{URL: server.URL, Key: "key"}, alma.NewMetrics(prometheus.NewRegistry()))
	if err != nil {
		t.Fatal(err)
	}
	people := almaPeople{client}

	want := notify.Person{ID: "operator", FirstName: "Sample", LastName: "Operator", Language: "de", Phone: "1", Email: "a@example.org"}
	if got, err := people.Person(t.Context(), "operator"); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, id := range []string{"System", "unknown", "."} {
		if _, err := people.Person(t.Context(), id); !errors.Is(err, notify.ErrNoPerson) {
			t.Errorf("%s: %v", id, err)
		}
	}
	var refused *alma.Error
	if _, err := people.Person(t.Context(), "denied"); !errors.As(err, &refused) || errors.Is(err, notify.ErrNoPerson) || handler.IsPermanent(err) {
		t.Errorf("denied: %v", err)
	}
	_, err = people.Person(t.Context(), "quota")
	if after, ok := handler.AfterOf(err); !ok || after < time.Second || after > 3*time.Hour {
		t.Errorf("quota: %v, after %v", err, after)
	}
}
