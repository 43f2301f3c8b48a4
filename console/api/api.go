// Package api is the console's JSON API: all that its pages show and do, for programs and for the command line.
//
// Package console checks host, origin and person first; this package checks the role of the person. docs/reference/openapi.yaml describes
// each operation, and a test calls all of them.
package api

import (
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/hookline/hookline/console"
	"github.com/hookline/hookline/docs/reference"
)

// Parts are the things that the API shows and acts on. Operations on a part that is nil answer 503, with the key that would bring it.
type Parts struct {
	Journal Journal
	Log     *zap.Logger   // nil: none
	Ping    time.Duration // between two signs of life of a live stream; 0: 15 seconds
}

// API answers the requests. It is safe for concurrent use.
type API struct {
	parts   Parts
	log     *zap.Logger
	streams chan struct{} // one entry for each live stream
}

// maxStreams bounds the live streams at the same time.
const maxStreams = 100

// New returns the API.
func New(parts Parts) *API {
	a := &API{parts: parts, log: parts.Log, streams: make(chan struct{}, maxStreams)}
	if a.log == nil {
		a.log = zap.NewNop()
	}
	if a.parts.Ping <= 0 {
		a.parts.Ping = 15 * time.Second
	}
	return a
}

// Handler returns the API for console.Parts. Its paths begin with /api/v1/.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/openapi.yaml", openAPI)
	mux.HandleFunc("GET /api/v1/events", a.look(a.events))
	mux.HandleFunc("GET /api/v1/events/live", a.live)
	mux.HandleFunc("GET /api/v1/events/{seq}", a.look(a.event))
	mux.HandleFunc("GET /api/v1/events/{seq}/body", a.body)
	mux.HandleFunc("/", a.nothing)
	return mux
}

// openAPI answers with the description of the API.
func openAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(reference.OpenAPI())
}

// nothing answers for paths and methods that do not exist.
func (a *API) nothing(w http.ResponseWriter, r *http.Request) {
	a.refuse(w, r, problemf(http.StatusNotFound, "There is nothing here", "%s %s is no operation of this API. GET /api/v1/openapi.yaml lists them.", r.Method, r.URL.Path))
}

// may returns a problem if the person behind a request lacks a role.
func may(r *http.Request, role console.Role) error {
	if _, has := console.VisitorOf(r); !has.Includes(role) {
		return problemf(http.StatusForbidden, "You may not do that",
			"Nothing was done. This needs the role %q; an administrator gives it in hookline.yml, console.users.", role)
	}
	return nil
}
