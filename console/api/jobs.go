package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/hookline/hookline/console"
	"github.com/hookline/hookline/console/jobs"
)

// maxRequest is the size in bytes of the largest body of a request.
const maxRequest = 1 << 20

// PlanRequest asks for a plan.
type PlanRequest struct {
	Action    jobs.Action    `json:"action"`
	Selection jobs.Selection `json:"selection"`
	To        []string       `json:"to,omitempty"` // routes that get recorded events again
}

// StartRequest starts the job of a plan.
type StartRequest struct {
	Why   string  `json:"why,omitempty"`   // for the log; a discard needs one
	Rate  float64 `json:"rate,omitempty"`  // events per second at most; 0: no limit
	Proof bool    `json:"proof,omitempty"` // one event, then ten, then the rest; the job stops at the first one that fails again
}

// JobPage is a page of jobs, the newest first.
type JobPage struct {
	Jobs []jobs.Job `json:"jobs"`
	Next string     `json:"next"` // cursor of the next page; empty: this is the last one
}

// TargetPage is a page of a job's events.
type TargetPage struct {
	Targets []jobs.Target `json:"targets"`
	Next    string        `json:"next"`
}

// LogPage is a page of the log of who did what, the newest first.
type LogPage struct {
	Entries []jobs.Entry `json:"entries"`
	Next    string       `json:"next"`
}

// plan makes a plan.
func (a *API) plan(r *http.Request) (any, error) {
	var in PlanRequest
	if err := a.readAct(r, &in); err != nil {
		return nil, err
	}
	return a.parts.Jobs.Plan(r.Context(), jobs.PlanRequest{Action: in.Action, Selection: in.Selection, To: in.To, By: person(r)})
}

// startJob starts the job of a plan.
func (a *API) startJob(r *http.Request) (any, error) {
	var in StartRequest
	if err := a.readAct(r, &in); err != nil {
		return nil, err
	}
	id, err := jobID(r)
	if err != nil {
		return nil, err
	}
	return a.parts.Jobs.Start(r.Context(), id, jobs.Options{By: person(r), Why: in.Why, Rate: in.Rate, Proof: in.Proof})
}

// switchJob returns the operation that pauses, resumes or stops a job.
func (a *API) switchJob(act func(Jobs, context.Context, int64, string) (jobs.Job, error)) operation {
	return func(r *http.Request) (any, error) {
		if err := a.readAct(r, &struct{}{}); err != nil {
			return nil, err
		}
		id, err := jobID(r)
		if err != nil {
			return nil, err
		}
		return act(a.parts.Jobs, r.Context(), id, person(r))
	}
}

func (a *API) job(r *http.Request) (any, error) {
	id, err := jobID(r)
	if err != nil {
		return nil, err
	}
	if a.parts.Jobs == nil {
		return nil, noJobs()
	}
	return a.parts.Jobs.Get(r.Context(), id)
}

func (a *API) jobs(r *http.Request) (any, error) {
	before, limit, err := a.page(r, "before")
	if err != nil {
		return nil, err
	}
	found, err := a.parts.Jobs.List(r.Context(), jobs.ListPage{Before: before, Limit: limit + 1})
	list, next := cut(found, limit, func(j jobs.Job) int64 { return j.ID })
	return JobPage{list, next}, err
}

func (a *API) targets(r *http.Request) (any, error) {
	id, err := jobID(r)
	if err != nil {
		return nil, err
	}
	after, limit, err := a.page(r, "after")
	if err != nil {
		return nil, err
	}
	state := jobs.TargetState(r.URL.Query().Get("state"))
	found, err := a.parts.Jobs.Targets(r.Context(), id, jobs.TargetPage{State: state, After: int(after), Limit: limit + 1})
	list, next := cut(found, limit, func(t jobs.Target) int64 { return int64(t.Number) })
	return TargetPage{list, next}, err
}

func (a *API) log(r *http.Request) (any, error) {
	before, limit, err := a.page(r, "before")
	if err != nil {
		return nil, err
	}
	found, err := a.parts.Jobs.Log(r.Context(), jobs.LogPage{Before: before, Limit: limit + 1})
	list, next := cut(found, limit, func(e jobs.Entry) int64 { return e.ID })
	return LogPage{list, next}, err
}

// page returns the cursor and the limit of a list of jobs, or of their parts.
func (a *API) page(r *http.Request, name string) (cursor int64, limit int, err error) {
	if a.parts.Jobs == nil {
		return 0, 0, noJobs()
	}
	q := query{values: r.URL.Query()}
	text, limit := q.cursor(name), q.limit()
	if err := q.end(); err != nil || text == "" {
		return 0, limit, err
	}
	cursor, err = strconv.ParseInt(text, 10, 64)
	return cursor, limit, err
}

// cut returns at most limit items of a list that has one more than that if there is a next page, and the cursor of the next page.
func cut[T any](found []T, limit int, number func(T) int64) (list []T, next string) {
	if len(found) > limit {
		found = found[:limit]
		next = strconv.FormatInt(number(found[limit-1]), 10)
	}
	return append([]T{}, found...), next
}

// readAct checks that the person may act, and reads the request's JSON. An empty body is an empty object.
func (a *API) readAct(r *http.Request, into any) error {
	if err := may(r, console.Act); err != nil {
		return err
	}
	if a.parts.Jobs == nil {
		return noJobs()
	}
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxRequest))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return problemf(http.StatusBadRequest, "The body cannot be read", "Nothing was done. Send JSON as docs/reference/openapi.yaml describes it, of at most %d bytes: %v.", maxRequest, err)
	}
	return nil
}

func jobID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id < 1 {
		return 0, problemf(http.StatusNotFound, "No such job", "%q is no number of a job. GET /api/v1/jobs lists them.", r.PathValue("id"))
	}
	return id, nil
}

func noJobs() *Problem {
	return problemf(http.StatusServiceUnavailable, "There are no jobs", "Nothing was done. This process does no bulk actions: ask the one that serves the console with its pages.")
}

// person names the person behind a request for the log.
func person(r *http.Request) string {
	if name, _ := console.VisitorOf(r); name != "" {
		return name
	}
	return "somebody without a login"
}
