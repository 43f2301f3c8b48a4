package api

import (
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hookline/hookline/console"
	"github.com/hookline/hookline/journal"
)

// Events is a page of events, the newest first.
type Events struct {
	Events []Event `json:"events"`
	// Next is the cursor of the next page; empty: this is the last one. A page can be empty and have a next one: the search looked through
	// many events, and goes on there.
	Next string `json:"next"`
}

// events lists the events of a filter.
func (a *API) events(r *http.Request) (any, error) {
	if a.parts.Journal == nil {
		return nil, noJournal()
	}
	q := query{values: r.URL.Query()}
	f, id := q.filter(), q.text("id")
	p := journal.Page{Before: q.cursor("before"), After: q.cursor("after"), Limit: q.limit()}
	if err := q.end(); err != nil {
		return nil, err
	}
	if p.Before != "" && p.After != "" {
		return nil, problemf(http.StatusBadRequest, "Two cursors", "Give before or after, and leave out the other.")
	}
	if err := a.seen(r, &f); err != nil {
		return nil, err
	}
	if id != "" { // the index of texts has the IDs
		f.Text += ` "` + strings.ReplaceAll(id, `"`, " ") + `"`
	}
	found, next, err := a.parts.Journal.Events(r.Context(), f, p)
	if err != nil {
		return nil, err
	}
	page := Events{Events: []Event{}, Next: next}
	for _, s := range found {
		if id == "" || s.Key.ID == id {
			page.Events = append(page.Events, eventOf(s))
		}
	}
	return page, nil
}

// seen keeps a search to the texts that the person may see.
func (a *API) seen(r *http.Request, f *journal.Filter) error {
	if _, role := console.VisitorOf(r); f.Text != "" && !role.Includes(console.Bodies) {
		return problemf(http.StatusForbidden, "You may not search bodies", "A search would tell the content of bodies. Leave out text, and choose by id, source, action, route or state.")
	}
	return nil
}

// event shows one event.
func (a *API) event(r *http.Request) (any, error) {
	d, err := a.detail(r)
	if err != nil {
		return nil, err
	}
	_, role := console.VisitorOf(r)
	return detailOf(d, role.Includes(console.Bodies)), nil
}

func (a *API) detail(r *http.Request) (journal.Detail, error) {
	if a.parts.Journal == nil {
		return journal.Detail{}, noJournal()
	}
	seq, err := strconv.ParseInt(r.PathValue("seq"), 10, 64)
	if err != nil {
		return journal.Detail{}, problemf(http.StatusNotFound, "No such event", "%q is no number of an event. GET /api/v1/events?id= finds the number of an ID.", r.PathValue("seq"))
	}
	return a.parts.Journal.Event(r.Context(), seq)
}

// body answers with the body of an event, for a file. A browser never shows it.
func (a *API) body(w http.ResponseWriter, r *http.Request) {
	err := may(r, console.Bodies)
	var d journal.Detail
	if err == nil {
		d, err = a.detail(r)
	}
	if err == nil && !d.Kept {
		err = problemf(http.StatusNotFound, "No body", "%s.", upperFirst(detailOf(d, true).NoBody))
	}
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": fileName(d)}))
	w.Header().Set("Content-Length", strconv.Itoa(len(d.Data)))
	_, _ = w.Write(d.Data)
}

// fileName names the file of a body. It has letters, digits, dots and hyphens only.
func fileName(d journal.Detail) string {
	plain := strings.Map(func(c rune) rune {
		if c < 0x80 && (c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '.' || c == '-' || c == '_') {
			return c
		}
		return '-'
	}, fmt.Sprintf("%s-%s-%d", d.Key.Source, d.Key.Action, d.Seq))
	extension := ".bin"
	if kind, _, err := mime.ParseMediaType(d.ContentType); err == nil {
		switch {
		case kind == "application/json" || strings.HasSuffix(kind, "+json"):
			extension = ".json"
		case kind == "application/xml" || kind == "text/xml" || strings.HasSuffix(kind, "+xml"):
			extension = ".xml"
		case strings.HasPrefix(kind, "text/"):
			extension = ".txt"
		}
	}
	return strings.TrimLeft(plain, ".-") + extension
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func noJournal() *Problem {
	return problemf(http.StatusServiceUnavailable, "There is no journal", "This process keeps no journal, so it knows no past events. Set journal.enabled in hookline.yml, and look into its log for an error of the journal.")
}

// query reads the parameters of a request, and remembers the wrong ones.
type query struct {
	values url.Values
	wrong  []string
}

func (q *query) end() error {
	if len(q.wrong) == 0 {
		return nil
	}
	return problemf(http.StatusBadRequest, "Wrong parameters", "%s.", upperFirst(strings.Join(q.wrong, "; ")))
}

func (q *query) fail(format string, args ...any) {
	q.wrong = append(q.wrong, fmt.Sprintf(format, args...))
}

func (q *query) text(name string) string { return q.values.Get(name) }

func (q *query) filter() journal.Filter {
	f := journal.Filter{
		Text: q.text("text"), Source: q.text("source"), Action: q.text("action"), Route: q.text("route"), Pattern: q.text("pattern"),
		State: journal.State(q.text("state")), From: q.time("from"), To: q.time("to"),
	}
	if all := states(); f.State != "" && !slices.Contains(all, f.State) {
		q.fail("state %q is none of %v", f.State, all)
	}
	return f
}

func states() []journal.State {
	return []journal.State{journal.StateWaiting, journal.StateDone, journal.StateFiltered, journal.StateUnrouted, journal.StateFailing, journal.StateDead}
}

func (q *query) time(name string) time.Time {
	text := q.text(name)
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		q.fail("%s %q is no time such as 2026-01-31T14:00:00Z", name, text)
	}
	return t
}

// cursor returns a cursor, or "".
func (q *query) cursor(name string) string {
	text := q.text(name)
	if n, err := strconv.ParseInt(text, 10, 64); text != "" && (err != nil || n < 0) {
		q.fail("%s %q is no cursor: begin without one, and use next of the answer", name, text)
	}
	return text
}

// limit returns the number of lines that a page may have.
func (q *query) limit() int {
	const name, usual, most = "limit", 50, 500
	text := q.text(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		q.fail("%s %q is no number from 1 to %d", name, text, most)
	}
	return n
}
