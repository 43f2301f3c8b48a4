package console

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hookline/hookline/journal"
)

// unroutedPage is the data of the page of events that no route wants.
type unroutedPage struct {
	Total   int64 // by the audit
	Groups  []stray
	More    bool // the page has the newest events only
	Problem string
	Act     bool
	Off     bool // no journal
}

// stray is the unrouted events of one source and action.
type stray struct {
	Source, Action string
	Count          int
	First, Last    time.Time
	Sample         int64 // number of the newest
	YAML           string
	Taken          []string // routes that would take it now
	Act            bool
}

// Key is the routing key.
func (s stray) Key() string { return s.Source + "." + s.Action }

// maxStray is the number of unrouted events that the page looks at.
const maxStray = 500

func (c *Console) unrouted(w http.ResponseWriter, r *http.Request) {
	v := visitorOf(r)
	page := unroutedPage{Total: sumOf(c.audit.get(r.Context()).Value).Unrouted, Act: v.Act() && c.parts.Jobs != nil, Off: c.parts.Journal == nil}
	if !page.Off {
		events, more, err := c.parts.Journal.Events(r.Context(), journal.Filter{State: journal.StateUnrouted}, journal.Page{Limit: maxStray})
		if err != nil {
			page.Problem = err.Error()
		}
		page.Groups, page.More = c.strays(events), more != ""
		for i := range page.Groups {
			page.Groups[i].Act = page.Act
		}
	}
	c.render(w, r, http.StatusOK, "unrouted", "Unrouted", page)
}

// strays groups events by their routing keys, the largest group first.
func (c *Console) strays(events []journal.Summary) (groups []stray) {
	for _, e := range events { // newest first
		i := slices.IndexFunc(groups, func(s stray) bool { return s.Source == e.Key.Source && s.Action == e.Key.Action })
		if i < 0 {
			i = len(groups)
			one := stray{Source: e.Key.Source, Action: e.Key.Action, Last: e.Key.Time, Sample: e.Seq}
			one.YAML = routeFor(one.Key())
			if c.parts.Matches != nil {
				one.Taken = c.parts.Matches(one.Key())
			}
			groups = append(groups, one)
		}
		groups[i].Count++
		groups[i].First = e.Key.Time
	}
	slices.SortStableFunc(groups, func(a, b stray) int { return cmp.Compare(b.Count, a.Count) })
	return groups
}

// routeFor returns the YAML of a route that takes a routing key, with its place in a configuration.
func routeFor(key string) string {
	_, name, _ := strings.Cut(key, ".")
	name = strings.NewReplacer(".", "-", "_", "-").Replace(name)
	return "routes:\n  " + name + ":\n    match: [\"" + key + "\"]\n    handler: { kind: log }"
}
