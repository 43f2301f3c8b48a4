package console

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/hookline/hookline/journal"
)

const (
	maxCauses   = 100 // causes on a page; a filter shows the others
	withHistory = 10  // causes whose events are shown; the others have a link
)

// failuresPage is the data of the failures by cause.
type failuresPage struct {
	Route, Which  string // of the address
	Routes        []Route
	Groups        []group
	More          int // causes that the page leaves out
	Dead, Failing int64
	Counts        map[string]int // of causes by the choices of Which
	Problem       string
	Off           bool // no journal
}

// group is the failures of one cause.
type group struct {
	journal.Group
	Handler string
	Kind    string // the worse of its states
	Quiet   string // for how long
	Events  []eventLine
	All     string // address of its events
	Since   string // of the first failure, for a command
	Act     bool
	Open    bool
}

// Count is the number of events of the worse state.
func (g group) Count() int64 {
	if g.Dead > 0 {
		return g.Dead
	}
	return g.Failing
}

// Choices are the tabs of the page: which causes.
func (p failuresPage) Choices() []option {
	return []option{{"", "All causes"}, {"dead", "With dead"}, {"failing", "Only retrying"}, {"growing", "Growing"}}
}

// Query returns the address of the page with another choice.
func (p failuresPage) Query(which string) string {
	q := url.Values{}
	if p.Route != "" {
		q.Set("route", p.Route)
	}
	if which != "" {
		q.Set("which", which)
	}
	if len(q) == 0 {
		return "/failures"
	}
	return "/failures?" + q.Encode()
}

func (c *Console) failures(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	page := failuresPage{Route: q.Get("route"), Which: q.Get("which"), Routes: c.parts.Routes, Off: c.parts.Journal == nil, Counts: map[string]int{}}
	var groups []journal.Group
	if !page.Off {
		var err error
		if groups, err = c.parts.Journal.Groups(r.Context(), journal.Filter{Route: page.Route}); err != nil {
			page.Problem = err.Error()
		}
	}
	for _, g := range groups {
		page.Dead += g.Dead
		page.Failing += g.Failing
		for _, choice := range page.Choices() {
			if chosen(g, choice.Value) {
				page.Counts[choice.Value]++
			}
		}
	}
	groups = slices.DeleteFunc(groups, func(g journal.Group) bool { return !chosen(g, page.Which) })
	slices.SortStableFunc(groups, func(a, b journal.Group) int { return int(b.Dead - a.Dead) })
	if len(groups) > maxCauses {
		page.More = len(groups) - maxCauses
		groups = groups[:maxCauses]
	}
	for i, g := range groups {
		page.Groups = append(page.Groups, c.group(r, g, i))
	}
	c.render(w, r, http.StatusOK, "failures", "Failures", page)
}

func chosen(g journal.Group, which string) bool {
	switch which {
	case "dead":
		return g.Dead > 0
	case "failing":
		return g.Dead == 0
	case "growing":
		return g.Growing
	}
	return true
}

func (c *Console) group(r *http.Request, g journal.Group, place int) group {
	one := group{
		Group: g, Kind: "retrying", Quiet: span(c.now().Sub(g.Last).Truncate(time.Second)), Open: place == 0,
		Act: visitorOf(r).Act() && c.parts.Jobs != nil, Since: g.First.UTC().Format(time.RFC3339),
		All: "/events?" + url.Values{"route": {g.Route}, "cause": {g.Pattern}}.Encode(),
	}
	if g.Dead > 0 {
		one.Kind = "dead"
	}
	for _, route := range c.parts.Routes {
		if route.Name == g.Route {
			one.Handler = route.Handler
		}
	}
	if place >= withHistory {
		return one
	}
	events, _, err := c.parts.Journal.Events(r.Context(), journal.Filter{Route: g.Route, Pattern: g.Pattern}, journal.Page{Limit: 3})
	if err != nil {
		return one // the link to all events says the error
	}
	for _, e := range events {
		one.Events = append(one.Events, eventLine{Summary: e})
	}
	return one
}
