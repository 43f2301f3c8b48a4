package console

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hookline/hookline/journal"
	"github.com/hookline/hookline/pkg/errorpattern"
	"github.com/hookline/hookline/pkg/jsonbody"
)

// eventPage is the data of one event.
type eventPage struct {
	journal.Detail
	Name    string // a title of its body, or empty
	Routes  []eventRoute
	Lanes   lanes
	Body    body
	Headers []header
	Curl    string
	Bodies  bool
	Act     bool
	States  []stateCount
	Routed  int
	Path    string
}

// Action is the event's action in words.
func (p eventPage) Action() string { return actionWords(p.Key.Action) }

// header is a header of an event.
type header struct{ Name, Value string }

// eventRoute is the history of an event on one route.
type eventRoute struct {
	journal.RouteState
	Handler string
	Does    string
	Kind    string // of the state: shape and colour
	Word    string
	Steps   []step
	Cause   string // address of the failures like it
	Event   journal.Key
	Plan    bool   // the person may plan an act
	From    string // place of the event for the plan
}

// step is a line of the history: an attempt, or several with the same error.
type step struct {
	Kind   string
	Title  string
	Took   string
	Worker string
	At     time.Time
	Error  string
	Waited string            // before the attempt above
	Folded []journal.Attempt // further attempts with the same error, newest first
}

func (c *Console) event(w http.ResponseWriter, r *http.Request) {
	d, ok := c.eventOf(w, r)
	if !ok {
		return
	}
	v := visitorOf(r)
	page := eventPage{Detail: d, Bodies: v.Bodies(), Act: v.Act(), States: stateCounts(d.Summary), Routed: len(d.Routes), Path: r.URL.Path}
	for _, state := range d.Routes {
		route := c.eventRoute(state, d.Ended)
		route.Event = d.Key
		route.From = map[journal.State]string{journal.StateDead: "dead", journal.StateFailing: "failing"}[state.State]
		route.Plan = page.Act && c.parts.Jobs != nil && route.From != ""
		page.Routes = append(page.Routes, route)
	}
	slices.SortStableFunc(page.Routes, func(a, b eventRoute) int { return urgency(a.State) - urgency(b.State) })
	page.Lanes = c.lanes(d)
	if page.Bodies {
		page.Name = titleOf(d.Data)
		page.Body = bodyOf(d, r.URL.Query().Get("as"))
		page.Headers = headersOf(d)
		page.Curl = c.curl(d)
	}
	title := page.Action() + " " + d.Key.ID
	c.render(w, r, http.StatusOK, "event", title, page)
}

func urgency(s journal.State) int {
	return slices.Index([]journal.State{journal.StateDead, journal.StateFailing, journal.StateWaiting, journal.StateDone, journal.StateFiltered}, s)
}

func headersOf(d journal.Detail) (all []header) {
	for name, value := range d.Header {
		all = append(all, header{name, value})
	}
	slices.SortFunc(all, func(a, b header) int { return strings.Compare(a.Name, b.Name) })
	if d.ContentType != "" {
		all = append([]header{{"Content-Type", d.ContentType}}, all...)
	}
	return all
}

// titleOf returns a text of a body that tells events of one action apart. The places are those of Alma, GitHub and others.
func titleOf(data []byte) string {
	text, ok := jsonbody.Text(data)
	if !ok {
		return ""
	}
	for _, place := range []string{"job_instance.name", "item_loan.title", "bib.title", "item.bib_data.title", "request.title", "title", "pull_request.title", "repository.full_name", "name", "subject"} {
		if value := jsonbody.Get(text, place); value.Exists() && value.Str != "" {
			return value.Str
		}
	}
	return ""
}

func (c *Console) eventRoute(state journal.RouteState, ended []journal.Attempt) eventRoute {
	route := eventRoute{RouteState: state}
	route.Kind, route.Word = stateWords(state.State)
	for _, configured := range c.parts.Routes {
		if configured.Name == state.Route {
			route.Handler, route.Does = configured.Handler, configured.Does
		}
	}
	var attempts []journal.Attempt
	for _, a := range ended {
		if a.Route == state.Route {
			attempts = append(attempts, a)
		}
	}
	if !state.Next.IsZero() && state.State == journal.StateFailing {
		route.Steps = append(route.Steps, step{Kind: "waiting", Title: "Attempt " + strconv.Itoa(attempts[0].Number+1) + " " + c.ago(state.Next), At: state.Next})
	}
	route.Steps = append(route.Steps, steps(attempts)...)
	if state.Error != "" {
		route.Cause = "/failures?route=" + escapeQuery(state.Route)
	}
	return route
}

// steps makes the lines of attempts, newest first. Attempts with the error of the line above are folded into one line.
func steps(attempts []journal.Attempt) (all []step) {
	for i := 0; i < len(attempts); i++ {
		a := attempts[i]
		one := stepOf(a)
		if i > 0 {
			if waited := attempts[i-1].Start.Sub(a.Start.Add(a.Duration)); waited >= time.Second {
				one.Waited = span(waited.Truncate(time.Second))
			}
		}
		all = append(all, one)
		last := i
		for last+1 < len(attempts) && a.Error != "" && alike(attempts[last+1], a) {
			last++
		}
		if last-i >= 2 { // two lines need no fold
			all = append(all, step{Kind: "retrying", Folded: attempts[i+1 : last+1], Title: foldTitle(attempts[i+1 : last+1])})
			i = last
		}
	}
	return all
}

func foldTitle(attempts []journal.Attempt) string {
	return "Attempts " + strconv.Itoa(attempts[len(attempts)-1].Number) + " to " + strconv.Itoa(attempts[0].Number) + " failed with the same error"
}

func stepOf(a journal.Attempt) step {
	number := "Attempt " + strconv.Itoa(a.Number)
	one := step{At: a.Start, Took: span(a.Duration), Worker: a.Process, Error: a.Error}
	switch a.Outcome {
	case journal.Done:
		one.Kind, one.Title = "done", "Done at attempt "+strconv.Itoa(a.Number)
	case journal.Filtered:
		one.Kind, one.Title = "filtered", "Not chosen"
	case journal.Dead:
		one.Kind, one.Title = "dead", number+" failed, given up"
	case journal.Requeued:
		one.Kind, one.Title = "waiting", number+" was interrupted, and does not count"
	default:
		one.Kind, one.Title = "retrying", number+" failed"
	}
	return one
}

// download sends the body as a file.
func (c *Console) download(w http.ResponseWriter, r *http.Request) {
	d, ok := c.eventOf(w, r)
	if !ok {
		return
	}
	if !d.Kept {
		c.problem(w, r, problem{http.StatusNotFound, "The body is not in the journal", "It was erased, or the configuration leaves out the bodies of this source."})
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="`+fileName(d)+`"`)
	w.Header().Set("Content-Length", strconv.Itoa(len(d.Data)))
	_, _ = w.Write(d.Data) // a browser that has gone away needs no answer
}

func fileName(d journal.Detail) string {
	return "event-" + strconv.FormatInt(d.Seq, 10) + "." + bodyOf(d, "text").Extension()
}

// alike reports whether two attempts failed with the same error but for numbers and IDs.
func alike(a, b journal.Attempt) bool { return errorpattern.Of(a.Error) == errorpattern.Of(b.Error) }
