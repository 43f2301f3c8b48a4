package console

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/hookline/hookline/console/jobs"
)

// plan makes a plan of a form, and shows it. Nothing else is done.
func (c *Console) plan(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	if err := r.ParseForm(); err != nil || c.parts.Jobs == nil {
		c.problem(w, r, problem{http.StatusBadRequest, "This cannot be planned", "Nothing was done. Go back, and try again."})
		return
	}
	f := r.PostForm
	request := jobs.PlanRequest{
		Action: jobs.Action(f.Get("do")), By: personOf(r),
		Selection: jobs.Selection{
			From: jobs.From(f.Get("from")), Source: f.Get("source"), Action: f.Get("action"), Cause: f.Get("cause"), Text: f.Get("q"), IDs: f["id"],
		},
		To: f["to"],
	}
	if route := f.Get("route"); route != "" {
		request.Selection.Routes = []string{route}
	}
	plan, err := c.parts.Jobs.Plan(r.Context(), request)
	if err != nil {
		c.problem(w, r, problem{http.StatusUnprocessableEntity, "This cannot be planned", "Nothing was done: " + err.Error() + "."})
		return
	}
	http.Redirect(w, r, "/jobs/"+strconv.FormatInt(plan.ID, 10), http.StatusSeeOther)
}

// startJob makes a job of a plan.
func (c *Console) startJob(w http.ResponseWriter, r *http.Request) {
	rate, err := strconv.ParseFloat(formValue(w, r, "rate"), 64)
	if err != nil || math.IsNaN(rate) {
		rate = 1
	}
	options := jobs.Options{By: personOf(r), Why: strings.TrimSpace(r.PostFormValue("why")), Rate: rate, Proof: r.PostFormValue("how") == "proof"}
	c.actOnJob(w, r, func(ctx context.Context, id int64) (jobs.Job, error) { return c.parts.Jobs.Start(ctx, id, options) })
}

func (c *Console) pauseJob(w http.ResponseWriter, r *http.Request) {
	c.actOnJob(w, r, func(ctx context.Context, id int64) (jobs.Job, error) { return c.parts.Jobs.Pause(ctx, id, personOf(r)) })
}

func (c *Console) resumeJob(w http.ResponseWriter, r *http.Request) {
	c.actOnJob(w, r, func(ctx context.Context, id int64) (jobs.Job, error) {
		return c.parts.Jobs.Resume(ctx, id, personOf(r))
	})
}

func (c *Console) stopJob(w http.ResponseWriter, r *http.Request) {
	c.actOnJob(w, r, func(ctx context.Context, id int64) (jobs.Job, error) { return c.parts.Jobs.Stop(ctx, id, personOf(r)) })
}

// actOnJob does an act on the job of the address. Package jobs writes it to the log.
func (c *Console) actOnJob(w http.ResponseWriter, r *http.Request, act func(context.Context, int64) (jobs.Job, error)) {
	job, ok := c.jobOf(w, r)
	if !ok {
		return
	}
	_, err := act(r.Context(), job.ID)
	switch {
	case errors.Is(err, jobs.ErrState):
		c.problem(w, r, problem{http.StatusConflict, "Not done", capital(err.Error()) + ". The page of the job shows how it stands."})
	case err != nil:
		c.problem(w, r, problem{http.StatusUnprocessableEntity, "Not done", capital(err.Error()) + "."})
	default:
		http.Redirect(w, r, "/jobs/"+strconv.FormatInt(job.ID, 10), http.StatusSeeOther)
	}
}

// whoPage is the data of the log of who did what.
type whoPage struct {
	Entries []jobs.Entry
	Older   int64
}

func (c *Console) who(w http.ResponseWriter, r *http.Request) {
	if c.parts.Jobs == nil {
		c.notFound(w, r)
		return
	}
	const size = 100
	before, _ := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64) // a wrong one is the first page
	entries, err := c.parts.Jobs.Log(r.Context(), jobs.LogPage{Before: before, Limit: size})
	if err != nil {
		c.problem(w, r, problem{http.StatusInternalServerError, "The log cannot be read", capital(err.Error()) + "."})
		return
	}
	page := whoPage{Entries: entries}
	if len(entries) == size {
		page.Older = entries[size-1].ID
	}
	c.render(w, r, http.StatusOK, "who", "Who did what", page)
}
