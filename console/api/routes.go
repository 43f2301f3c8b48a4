package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/console/jobs"
)

// Routes are the routes of the configuration.
type Routes struct {
	Routes []Route `json:"routes"`
}

// Route is a route with its state.
type Route struct {
	Name    string         `json:"name"`
	Match   []string       `json:"match"`
	Where   string         `json:"where,omitempty"`
	Handler string         `json:"handler"`
	Paused  *broker.Pause  `json:"paused,omitempty"`  // by a person
	Waiting []PausedSource `json:"waiting,omitempty"` // sources that the route has paused itself for
}

// PausedSource is a source whose events wait on a route, because its latest events failed.
type PausedSource struct {
	Source string    `json:"source"`
	Error  string    `json:"error"` // of the last event
	Since  time.Time `json:"since"`
	Next   time.Time `json:"next,omitzero"` // of the next try; left out: it has begun
}

// PauseRequest pauses a route.
type PauseRequest struct {
	Why string `json:"why"` // others see it while the events wait
}

func (a *API) routes(r *http.Request) (any, error) {
	var pauses map[string]broker.Pause
	if a.parts.Pauser != nil {
		var err error
		if pauses, err = a.parts.Pauser.Pauses(r.Context()); err != nil {
			return nil, away(err)
		}
	}
	answer := Routes{Routes: []Route{}}
	for _, route := range a.parts.Routes {
		one := Route{Name: route.Name, Match: append([]string{}, route.Match...), Where: route.Where, Handler: route.Handler}
		if p, ok := pauses[route.Name]; ok {
			one.Paused = &p
		}
		answer.Routes = append(answer.Routes, one)
	}
	if a.parts.Pausing == nil {
		return answer, nil
	}
	paused, err := a.parts.Pausing.Paused(r.Context())
	if err != nil {
		return nil, away(err)
	}
	for _, p := range paused {
		for i := range answer.Routes {
			if answer.Routes[i].Name == p.Route {
				answer.Routes[i].Waiting = append(answer.Routes[i].Waiting, PausedSource{p.Source, p.Error, p.Since, p.Next})
			}
		}
	}
	return answer, nil
}

func (a *API) pauseRoute(r *http.Request) (any, error) {
	var in PauseRequest
	if err := a.readAct(r, &in); err != nil {
		return nil, err
	}
	if in.Why = strings.TrimSpace(in.Why); in.Why == "" {
		return nil, problemf(http.StatusBadRequest, "Why should the route pause?", "Nothing was done. Give a reason as why: others see it while the events wait.")
	}
	return a.actOnRoute(r, "route paused", in.Why, func(ctx context.Context, route string, p broker.Pause) error {
		return a.parts.Pauser.Pause(ctx, route, p)
	})
}

func (a *API) resumeRoute(r *http.Request) (any, error) {
	if err := a.readAct(r, &struct{}{}); err != nil {
		return nil, err
	}
	return a.actOnRoute(r, "route resumed", "", func(ctx context.Context, route string, p broker.Pause) error {
		return a.parts.Pauser.Resume(ctx, route, p)
	})
}

// actOnRoute does an act that the log has before it is done, and returns the routes.
func (a *API) actOnRoute(r *http.Request, what, why string, act func(context.Context, string, broker.Pause) error) (any, error) {
	if a.parts.Pauser == nil {
		return nil, problemf(http.StatusServiceUnavailable, "Routes cannot be paused here", "Nothing was done: this process has no broker that pauses routes.")
	}
	route, by := r.PathValue("route"), person(r)
	id, err := a.parts.Jobs.Note(r.Context(), jobs.Entry{Who: by, What: what, Subject: route, Why: why})
	if err != nil {
		return nil, err
	}
	result := "done"
	err = act(r.Context(), route, broker.Pause{By: by, Why: why})
	if err != nil {
		result = "refused: " + err.Error()
	}
	noted := a.parts.Jobs.NoteResult(context.WithoutCancel(r.Context()), id, result)
	switch {
	case errors.Is(err, broker.ErrNotConsumed):
		return nil, problemf(http.StatusNotFound, "No worker consumes this route", "Nothing was done. The configuration has no route %q, or a program of somebody else consumes it. GET /api/v1/routes lists them.", route)
	case err != nil:
		return nil, away(err)
	case noted != nil:
		return nil, noted
	}
	return a.routes(r)
}

// away is the problem of a broker that does not answer.
func away(err error) *Problem {
	return problemf(http.StatusServiceUnavailable, "The broker does not answer", "%v. Try again when it is back; events are safe meanwhile.", err)
}
