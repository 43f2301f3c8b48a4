package receiver

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/gorilla/mux"
)

// PathPrefix is the path of webhooks. The source's name follows it.
const PathPrefix = "/webhooks/"

// Handler returns the HTTP handler of /webhooks/{source}. Every other path is answered 404.
func (rc *Receiver) Handler() http.Handler {
	router := mux.NewRouter()
	const path = PathPrefix + "{source}"
	router.Handle(path, rc.source(rc.ingest)).Methods(http.MethodPost)
	router.Handle(path, rc.source(answerGet)).Methods(http.MethodGet)
	router.Handle(path, rc.source(otherMethod))
	router.NotFoundHandler = endpoint(rc.notFound)
	return dispatch(router)
}

// responder makes the answer to a request for a source. Receiver.serve writes and records the answer.
type responder func(w http.ResponseWriter, r *http.Request, s *source, start time.Time) *answer

// endpoint serves requests by the source's name in their path. The name is empty for other paths.
type endpoint func(w http.ResponseWriter, r *http.Request, name string)

// ServeHTTP makes an endpoint a handler that a router can hold.
func (e endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) { e(w, r, mux.Vars(r)["source"]) }

// dispatch calls the endpoint that the router finds. It replaces the router's ServeHTTP, which copies each request twice and
// redirects to a cleaned path, where senders do not repeat their POST.
func dispatch(router *mux.Router) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var match mux.RouteMatch
		router.Match(r, &match) // always matches: the router has a NotFoundHandler, and a route for every method
		match.Handler.(endpoint)(w, r, match.Vars["source"])
	})
}

// source returns an endpoint that finds the source and lets respond answer.
func (rc *Receiver) source(respond responder) endpoint {
	return func(w http.ResponseWriter, r *http.Request, name string) {
		now := rc.served.Load()
		if s, ok := now.sources[name]; ok {
			rc.serve(s, respond, w, r)
			return
		}
		if gone, ok := now.removed[name]; ok && time.Now().Before(gone.until) {
			rc.serve(gone.source, refuseRemoved, w, r)
			return
		}
		rc.notFound(w, r, name)
	}
}

func (rc *Receiver) notFound(w http.ResponseWriter, r *http.Request, _ string) {
	rc.serve(rc.unknown, func(http.ResponseWriter, *http.Request, *source, time.Time) *answer { return refuseSource() }, w, r)
}

func refuseRemoved(http.ResponseWriter, *http.Request, *source, time.Time) *answer {
	return unavailable(reasonRemoved, errors.New("a reload removed this source from hookline.yml: put it back, or switch it off at the sender"))
}

func otherMethod(_ http.ResponseWriter, _ *http.Request, s *source, _ time.Time) *answer {
	if s.Handshake.comesAsGet() {
		return refuseMethod("GET, POST")
	}
	return refuseMethod("POST")
}

// serve answers a request and records it.
func (rc *Receiver) serve(s *source, respond responder, w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	s.metrics.inFlight.Inc()
	defer s.metrics.inFlight.Dec()
	a := guarded(respond, w, r, s, start)
	a.request, a.source, a.start, a.duration = r, s, start, time.Since(start)
	rc.rejectUnread(r, a)
	rc.recorder.record(&a.record)
	a.write(w)
}

// guarded turns a panic into a 503, so that the receiver survives it.
func guarded(respond responder, w http.ResponseWriter, r *http.Request, s *source, start time.Time) (a *answer) {
	defer func() {
		if p := recover(); p != nil {
			a = unavailable(reasonPanic, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	return respond(w, r, s, start)
}
