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

// API answers the requests. It is safe for concurrent use.
type API struct {
	parts   Parts
	logger  *zap.Logger
	streams chan struct{} // one entry for each live stream
}

// maxStreams bounds the live streams at the same time.
const maxStreams = 100

// New returns the API.
func New(parts Parts) *API {
	a := &API{parts: parts, logger: parts.Log, streams: make(chan struct{}, maxStreams)}
	if a.logger == nil {
		a.logger = zap.NewNop()
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
	mux.HandleFunc("GET /api/v1/events", a.serve(a.events))
	mux.HandleFunc("GET /api/v1/events/live", a.live)
	mux.HandleFunc("GET /api/v1/events/{seq}", a.serve(a.event))
	mux.HandleFunc("GET /api/v1/events/{seq}/body", a.body)
	mux.HandleFunc("GET /api/v1/failures", a.serve(a.failures))
	mux.HandleFunc("GET /api/v1/gaps", a.serve(a.gaps))
	mux.HandleFunc("POST /api/v1/plans", a.serve(a.plan))
	mux.HandleFunc("POST /api/v1/plans/{id}/start", a.serve(a.startJob))
	mux.HandleFunc("GET /api/v1/jobs", a.serve(a.jobs))
	mux.HandleFunc("GET /api/v1/jobs/{id}", a.serve(a.job))
	mux.HandleFunc("GET /api/v1/jobs/{id}/targets", a.serve(a.targets))
	mux.HandleFunc("POST /api/v1/jobs/{id}/pause", a.serve(a.switchJob(Jobs.Pause)))
	mux.HandleFunc("POST /api/v1/jobs/{id}/resume", a.serve(a.switchJob(Jobs.Resume)))
	mux.HandleFunc("POST /api/v1/jobs/{id}/stop", a.serve(a.switchJob(Jobs.Stop)))
	mux.HandleFunc("GET /api/v1/rejected", a.serve(a.rejected))
	mux.HandleFunc("GET /api/v1/rejected/groups", a.serve(a.rejectedGroups))
	mux.HandleFunc("GET /api/v1/rejected/{seq}", a.serve(a.rejectedRequest))
	mux.HandleFunc("POST /api/v1/rejected/{seq}/admit", a.serve(a.admit))
	mux.HandleFunc("POST /api/v1/rejected/{seq}/discard", a.serve(a.discardRejected))
	mux.HandleFunc("GET /api/v1/log", a.serve(a.log))
	mux.HandleFunc("GET /api/v1/routes", a.serve(a.routes))
	mux.HandleFunc("POST /api/v1/routes/{route}/pause", a.serve(a.pauseRoute))
	mux.HandleFunc("POST /api/v1/routes/{route}/resume", a.serve(a.resumeRoute))
	mux.HandleFunc("GET /api/v1/audit", a.serve(a.audit))
	mux.HandleFunc("GET /api/v1/queues", a.serve(a.queues))
	mux.HandleFunc("GET /api/v1/unrouted", a.serve(a.unrouted))
	mux.HandleFunc("GET /api/v1/dead/{route}", a.serve(a.dead))
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
