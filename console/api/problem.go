package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"go.uber.org/zap"

	"github.com/hookline/hookline/console/jobs"
	"github.com/hookline/hookline/journal"
)

// Problem is an error as RFC 9457 has it. Its detail names the next step.
type Problem struct {
	Type   string `json:"type"` // about:blank: Status and Title say everything
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

// Error implements error.
func (p *Problem) Error() string { return p.Title + ": " + p.Detail }

func problemf(status int, title, format string, args ...any) *Problem {
	return &Problem{Type: "about:blank", Title: title, Status: status, Detail: fmt.Sprintf(format, args...)}
}

// problemOf returns the problem that an error means for the person who asked.
func problemOf(err error) *Problem {
	var p *Problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, journal.ErrNotFound):
		return problemf(http.StatusNotFound, "No such event", "The journal has no such event, or no longer: its age or its size ended it. List the events to see the ones that are there.")
	case errors.Is(err, jobs.ErrNotFound):
		return problemf(http.StatusNotFound, "No such plan or job", "Nothing was done. A plan is kept for an hour: make it anew. GET /api/v1/jobs lists the jobs.")
	case errors.Is(err, jobs.ErrState):
		return problemf(http.StatusConflict, "Not possible now", "Nothing was done: %v.", err)
	case errors.Is(err, jobs.ErrRequest):
		return problemf(http.StatusBadRequest, "Not possible", "Nothing was done: %v.", err)
	}
	return problemf(http.StatusInternalServerError, "That did not work", "%v", err)
}

// refuse answers with an error. It logs those that only an operator can solve.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // nobody waits for the answer
	}
	p := problemOf(err)
	if p.Status == http.StatusInternalServerError {
		a.logger.Error("a request to the API failed", zap.String("path", r.URL.Path), zap.Error(err))
	}
	answer(w, p.Status, "application/problem+json", p)
}

// answer writes v as JSON.
func answer(w http.ResponseWriter, status int, contentType string, v any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // an error means that the client is gone
}

// operation returns the data of an answer, or an error.
type operation func(r *http.Request) (any, error)

// serve answers with the data of an operation.
func (a *API) serve(do operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := do(r)
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		answer(w, http.StatusOK, "application/json", v)
	}
}
