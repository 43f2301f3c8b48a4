package console

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/console/jobs"
)

// jobsPage is the data of the list of jobs.
type jobsPage struct {
	Jobs  []jobLine
	Older int64 // ID of the last job of the page; 0: there are no more
}

// jobLine is a job in a list, or on its page.
type jobLine struct {
	jobs.Job
	Title string
	Kind  string // of the state: shape and colour
	Word  string
}

// jobPage is the data of one job or plan.
type jobPage struct {
	jobLine
	Latest []targetLine
	Stages []stageLine
	Act    bool
	Meter  meter
	Size   string
	First  string // on the button that starts it
	Proved bool   // the job can be proved
	Left   []jobs.LeftOut
	Scaled bool
	Now    time.Time
}

// targetLine is an event of a job.
type targetLine struct {
	jobs.Target
	Kind, Word string
}

// Action is the event's action in words.
func (t targetLine) Title() string { return actionWords(t.Action) }

// stageLine is a step of a job.
type stageLine struct {
	Kind, Title, Detail string
	Current             bool
}

// meter is the progress in thousandths of the width.
type meter struct{ Done, Failed, Running int }

func (c *Console) jobs(w http.ResponseWriter, r *http.Request) {
	if c.parts.Jobs == nil {
		c.notFound(w, r)
		return
	}
	const size = 50
	before, _ := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64) // a wrong one is the first page
	list, err := c.parts.Jobs.List(r.Context(), jobs.ListPage{Before: before, Limit: size})
	if err != nil {
		c.problem(w, r, problem{http.StatusInternalServerError, "The jobs cannot be read", capital(err.Error()) + "."})
		return
	}
	page := jobsPage{}
	for _, job := range list {
		page.Jobs = append(page.Jobs, lineOf(job))
	}
	if len(list) == size {
		page.Older = list[size-1].ID
	}
	c.render(w, r, http.StatusOK, "jobs", "Jobs", page)
}

func lineOf(j jobs.Job) jobLine {
	line := jobLine{Job: j, Title: jobTitle(j.Plan)}
	switch j.State {
	case jobs.Planned:
		line.Kind, line.Word = "waiting", "Only a plan"
	case jobs.Running:
		line.Kind, line.Word = "running", "Running"
	case jobs.Paused:
		line.Kind, line.Word = "paused", "Paused"
	case jobs.Finished:
		line.Kind, line.Word = "done", "Finished"
	default:
		line.Kind, line.Word = "discarded", "Stopped"
	}
	return line
}

// jobTitle says the act of a plan: "Replay 41 events to exports".
func jobTitle(p jobs.Plan) string {
	verb := map[jobs.Action]string{jobs.Replay: "Replay ", jobs.RetryNow: "Try now ", jobs.Discard: "Discard "}[p.Action]
	title := verb + many(p.Count, "event")
	var names []string
	for _, r := range p.Routes {
		if r.Route != broker.Unrouted {
			names = append(names, r.Route)
		}
	}
	if len(p.To) > 0 {
		names = p.To
	}
	if len(names) == 0 {
		return title
	}
	if p.Action == jobs.Replay {
		return title + " to " + strings.Join(names, ", ")
	}
	return title + " of " + strings.Join(names, ", ")
}

// jobOf returns the job of an address, and false after it has answered that there is none.
func (c *Console) jobOf(w http.ResponseWriter, r *http.Request) (jobs.Job, bool) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if c.parts.Jobs == nil || err != nil {
		c.notFound(w, r)
		return jobs.Job{}, false
	}
	job, err := c.parts.Jobs.Get(r.Context(), id)
	switch {
	case errors.Is(err, jobs.ErrNotFound):
		c.problem(w, r, problem{http.StatusNotFound, "There is no such job", "A plan is kept for an hour. If it was one, make it anew."})
	case err != nil:
		c.problem(w, r, problem{http.StatusInternalServerError, "The job cannot be read", capital(err.Error()) + "."})
	}
	return job, err == nil
}

func (c *Console) job(w http.ResponseWriter, r *http.Request) {
	job, ok := c.jobOf(w, r)
	if !ok {
		return
	}
	page := jobPage{jobLine: lineOf(job), Act: visitorOf(r).Act(), Left: job.Plan.LeftOut, Size: bytesWords(job.Plan.Bytes), Now: c.now()}
	page.Proved = job.Plan.Action != jobs.Discard && c.parts.Journal != nil
	page.First = "Start with all " + number(int64(job.Plan.Count))
	if job.State == jobs.Planned {
		page.Latest = targetLines(job.Plan.Sample)
		c.render(w, r, http.StatusOK, "plan", "Plan: "+lowerFirst(page.Title), page)
		return
	}
	latest, err := c.parts.Jobs.Latest(r.Context(), job.ID, 25)
	if err != nil {
		c.problem(w, r, problem{http.StatusInternalServerError, "The job cannot be read", capital(err.Error()) + "."})
		return
	}
	page.Latest = targetLines(latest)
	page.Stages = stagesOf(job)
	if total := job.Counts.Total; total > 0 {
		page.Meter = meter{1000 * job.Counts.Done / total, 1000 * job.Counts.FailedAgain / total, 1000 * job.Counts.Waiting / total}
	}
	c.render(w, r, http.StatusOK, "job", page.Title, page)
}

func targetLines(targets []jobs.Target) (lines []targetLine) {
	for _, t := range targets {
		line := targetLine{Target: t, Kind: "waiting", Word: "To come"}
		switch t.State {
		case jobs.Taken, jobs.Waiting:
			line.Kind, line.Word = "running", "Running"
		case jobs.Done:
			line.Kind, line.Word = "done", "Done"
		case jobs.FailedAgain:
			line.Kind, line.Word = "dead", "Failed again"
		case jobs.Skipped:
			line.Kind, line.Word = "discarded", "Left out"
		}
		lines = append(lines, line)
	}
	return lines
}

// stagesOf returns the steps of a job with a proof.
func stagesOf(j jobs.Job) (all []stageLine) {
	if !j.Proof {
		return nil
	}
	sizes := []int{min(1, j.Counts.Total), min(10, max(0, j.Counts.Total-1)), max(0, j.Counts.Total-11)}
	all = append(all, stageLine{"done", "Plan", many(j.Counts.Total, "event") + " chosen", false})
	for i, size := range sizes {
		if size == 0 {
			continue
		}
		name := "Proof: " + number(int64(size))
		if i == 2 {
			name = "The rest: " + number(int64(size))
		}
		switch {
		case i+1 < j.Stage.Number || j.State == jobs.Finished:
			all = append(all, stageLine{"done", name, "done", false})
		case i+1 == j.Stage.Number:
			all = append(all, stageLine{lineOf(j).Kind, name, number(int64(j.Stage.Acted)) + " of " + number(int64(j.Stage.Size)) + " begun", j.State == jobs.Running})
		default:
			all = append(all, stageLine{"waiting", name, "to come", false})
		}
	}
	return all
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// bytesWords writes a size: 78 KB, 1.0 GB.
func bytesWords(n int64) string {
	switch {
	case n < 1000:
		return number(n) + space + "bytes"
	case n < 1_000_000:
		return number(n/1000) + space + "KB"
	case n < 1_000_000_000:
		return strconv.FormatFloat(float64(n)/1e6, 'f', 1, 64) + space + "MB"
	}
	return strconv.FormatFloat(float64(n)/1e9, 'f', 1, 64) + space + "GB"
}
