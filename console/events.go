package console

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hookline/hookline/journal"
)

// eventsPage is the data of the list of events.
type eventsPage struct {
	Filter  eventFilter
	Events  []eventLine
	Newest  int64 // number of the first event of the list
	First   bool  // no newer page
	Older   string
	Newer   string
	Sources []Source
	Routes  []Route
	Problem string // of the search
	Act     bool
	Bodies  bool
}

// eventLine is an event in a list.
type eventLine struct {
	journal.Summary
	States []stateCount
}

// Title is the event's action in words.
func (e eventLine) Title() string { return actionWords(e.Key.Action) }

// stateCount is the number of an event's routes in one state.
type stateCount struct {
	State string // shape and colour
	Label string
}

// eventFilter is the filter of the address.
type eventFilter struct {
	Text, Source, Action, Route, State, Since string
	Group                                     string // a cause of failures
	before, after                             string
}

func filterOf(q url.Values) eventFilter {
	return eventFilter{
		Text: q.Get("q"), Source: q.Get("source"), Action: q.Get("action"), Route: q.Get("route"), State: q.Get("state"), Since: q.Get("since"),
		Group: q.Get("cause"), before: q.Get("before"), after: q.Get("after"),
	}
}

// ages are the spans of time that a person can choose.
func ages() []option {
	return []option{{"1h", "last hour"}, {"24h", "last 24 hours"}, {"168h", "last 7 days"}, {"720h", "last 30 days"}}
}

// option is a choice of a field, with its label.
type option struct{ Value, Label string }

// states are the choices of the list's tabs.
func states() []option {
	return []option{{"dead", "Dead"}, {"failing", "Retrying"}, {"waiting", "Waiting"}, {"unrouted", "Unrouted"}, {"done", "Done"}}
}

// journalFilter returns the journal's filter. People who may not see bodies cannot search in them either.
func (f eventFilter) journalFilter(now time.Time, bodies bool) journal.Filter {
	j := journal.Filter{
		Text: f.Text, Source: strings.TrimSpace(f.Source), Action: strings.TrimSpace(f.Action), Route: f.Route, State: journal.State(f.State), Pattern: f.Group,
	}
	if !bodies {
		j.Text, j.Pattern = "", ""
	}
	if age, err := time.ParseDuration(f.Since); err == nil {
		j.From = now.Add(-age)
	}
	return j
}

// Query returns the address of the list with one field changed. A changed filter begins with the first page.
func (f eventFilter) Query(field, value string) string {
	q := url.Values{}
	for name, now := range map[string]string{"q": f.Text, "source": f.Source, "action": f.Action, "route": f.Route, "state": f.State, "since": f.Since, "cause": f.Group} {
		if now != "" {
			q.Set(name, now)
		}
	}
	q.Del(field)
	if value != "" {
		q.Set(field, value)
	}
	if len(q) == 0 {
		return "/events"
	}
	return "/events?" + q.Encode()
}

// Any reports whether the list is filtered.
func (f eventFilter) Any() bool { return f.Query("", "") != "/events" }

// Ages and States are the choices of the page.
func (f eventFilter) Ages() []option   { return ages() }
func (f eventFilter) States() []option { return states() }

func (c *Console) events(w http.ResponseWriter, r *http.Request) {
	f, v := filterOf(r.URL.Query()), visitorOf(r)
	if c.parts.Journal == nil {
		c.render(w, r, http.StatusOK, "off", "Events", nil)
		return
	}
	page := eventsPage{Filter: f, Sources: c.parts.Sources, Routes: c.parts.Routes, Act: v.Act(), Bodies: v.Bodies()}
	if f.Text != "" && !v.Bodies() && c.toID(w, r, f) {
		return
	}
	events, next, err := c.parts.Journal.Events(r.Context(), f.journalFilter(c.now(), v.Bodies()), journal.Page{Before: f.before, After: f.after})
	if err != nil {
		page.Problem = err.Error()
	}
	for _, e := range events {
		page.Events = append(page.Events, eventLine{e, stateCounts(e)})
	}
	if len(events) > 0 {
		page.Newest = events[0].Seq
	}
	page.turn(f, next)
	c.render(w, r, http.StatusOK, "events", "Events", page)
}

// turn sets the addresses of the pages beside this one. A cursor is the number of an event, before or behind which a page begins.
func (p *eventsPage) turn(f eventFilter, next string) {
	p.First = f.before == "" && f.after == ""
	if f.after != "" { // next leads to newer events; the oldest of these leads back
		if len(p.Events) > 0 {
			p.Older = f.Query("before", strconv.FormatInt(p.Events[len(p.Events)-1].Seq, 10))
			p.Newer = f.Query("after", strconv.FormatInt(p.Newest, 10))
		} else {
			p.Older = f.Query("", "")
		}
		return
	}
	if next != "" {
		p.Older = f.Query("before", next)
	}
	if !p.First && len(p.Events) > 0 {
		p.Newer = f.Query("after", strconv.FormatInt(p.Newest, 10))
	}
}

// toID looks for people who may not see bodies: for source, action and ID only.
func (c *Console) toID(w http.ResponseWriter, r *http.Request, f eventFilter) bool {
	for _, source := range c.parts.Sources {
		if source.Name == f.Text {
			http.Redirect(w, r, "/events?source="+url.QueryEscape(f.Text), http.StatusSeeOther)
			return true
		}
	}
	events, _, err := c.parts.Journal.Events(r.Context(), journal.Filter{Text: strconv.Quote(f.Text)}, journal.Page{Limit: 100})
	if err != nil {
		return false
	}
	for _, e := range events {
		if e.Key.ID == f.Text {
			http.Redirect(w, r, "/events/"+strconv.FormatInt(e.Seq, 10), http.StatusSeeOther)
			return true
		}
	}
	http.Redirect(w, r, "/events?action="+url.QueryEscape(f.Text), http.StatusSeeOther)
	return true
}

// stateCounts says in how many routes an event is in each state, the worst first.
func stateCounts(e journal.Summary) (all []stateCount) {
	if len(e.Routes) == 0 {
		kind, word := stateWords(e.State)
		return []stateCount{{kind, word}}
	}
	counts := map[journal.State]int{}
	for _, r := range e.Routes {
		counts[r.State]++
	}
	for _, s := range []journal.State{journal.StateDead, journal.StateFailing, journal.StateWaiting, journal.StateDone, journal.StateFiltered} {
		if n := counts[s]; n > 0 {
			kind, word := stateWords(s)
			all = append(all, stateCount{kind, strconv.Itoa(n) + " " + strings.ToLower(word)})
		}
	}
	return all
}

// stateWords returns the shape and the word of a journal's state.
func stateWords(s journal.State) (kind, word string) {
	switch s {
	case journal.StateDone:
		return "done", "Done"
	case journal.StateFiltered:
		return "filtered", "Not chosen"
	case journal.StateUnrouted:
		return "unrouted", "Unrouted"
	case journal.StateFailing:
		return "retrying", "Retrying"
	case journal.StateDead:
		return "dead", "Dead"
	}
	return "waiting", "Waiting"
}

// actionWords writes an action as words: loan.loan_created becomes "Loan created".
func actionWords(action string) string {
	parts := strings.Split(action, ".")
	for i := 1; i < len(parts); i++ {
		if strings.HasPrefix(parts[i], parts[i-1]+"_") {
			parts[i-1] = ""
		}
	}
	return capital(strings.Join(strings.Fields(strings.ReplaceAll(strings.Join(parts, " "), "_", " ")), " "))
}

// eventOf returns the event of an address, and false after it has answered that there is none.
func (c *Console) eventOf(w http.ResponseWriter, r *http.Request) (journal.Detail, bool) {
	seq, err := strconv.ParseInt(r.PathValue("seq"), 10, 64)
	if c.parts.Journal == nil || err != nil {
		c.notFound(w, r)
		return journal.Detail{}, false
	}
	d, err := c.parts.Journal.Event(r.Context(), seq)
	switch {
	case errors.Is(err, journal.ErrNotFound):
		c.problem(w, r, problem{http.StatusNotFound, "This event is not in the journal", "It was too old and has been removed, or somebody had it erased. Events of now are in the list."})
	case err != nil:
		c.problem(w, r, problem{http.StatusInternalServerError, "The journal cannot be read", capital(err.Error()) + "."})
	}
	return d, err == nil
}
