package http

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/jsonbody"
)

// TestEachPartOfARequestIsLimited reads the limits, because their effect takes their time.
func TestEachPartOfARequestIsLimited(t *testing.T) {
	t.Parallel()
	if d := newDialer(); d.Timeout != 10*time.Second || d.KeepAlive != 30*time.Second {
		t.Errorf("%+v", d)
	}
	if tr := newTransport(newDialer()); tr.TLSHandshakeTimeout <= 0 || tr.IdleConnTimeout <= 0 || tr.Proxy != nil {
		t.Errorf("%+v", tr)
	}
}

func TestTooManyHeadersInAnAnswerAreAnError(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Large", strings.Repeat("x", 100<<10))
	}))
	defer server.Close()
	h, err := New(Config{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Handle(t.Context(), event.Delivery{}); err == nil || handler.IsPermanent(err) {
		t.Errorf("%v", err)
	}
}

// TestABodyWaitsForRoomToDecode has another large event that takes all of the budget.
func TestABodyWaitsForRoomToDecode(t *testing.T) {
	t.Parallel()
	budget := jsonbody.NewBudget()
	free, err := budget.Take(t.Context(), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	h, err := New(Config{URL: server.URL, Body: `{{.data.a}}`, Decoding: budget})
	if err != nil {
		t.Fatal(err)
	}
	large := event.Delivery{Event: event.Event{Data: []byte(`{"a":1,"b":"` + strings.Repeat("x", 1<<20) + `"}`)}}
	stopping := errors.New("stopping")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stopping)
	if err := h.Handle(ctx, large); !errors.Is(err, stopping) || handler.IsPermanent(err) || !strings.Contains(err.Error(), "no memory to decode") {
		t.Errorf("without room: %v", err)
	}
	free()
	for range 2 { // the first gives its room back
		if err := h.Handle(t.Context(), large); err != nil {
			t.Error(err)
		}
	}
}

func TestAnEventWhoseBodyCannotBeMadeIsNotSent(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("sent %d bytes", r.ContentLength)
	}))
	defer server.Close()
	h, err := New(Config{URL: server.URL, Body: `{{index .data.a "x"}}`})
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"<xml/>", `{"a":1}`} {
		if err := h.Handle(t.Context(), event.Delivery{Event: event.Event{Data: []byte(body)}}); !handler.IsPermanent(err) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestAnErrorOfARequestHasNoURL(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	for name, err := range map[string]error{"with a URL": &url.Error{Op: "Post", URL: "https://host/secret", Err: refused}, "without": refused} {
		if got := cause(err); !errors.Is(got, refused) || strings.Contains(got.Error(), "secret") {
			t.Errorf("%s: %v", name, got)
		}
	}
}
