package jobs

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/journal"
	"github.com/hookline/hookline/pkg/errorpattern"
)

// Action is the act of a job on each of its targets.
type Action string

// The actions of jobs.
const (
	Replay   Action = "replay"    // gives dead letters, unrouted events or recorded events to routes again
	RetryNow Action = "retry_now" // lets failing events have their next attempt now
	Discard  Action = "discard"   // removes dead letters or unrouted events for good
)

// From is the place where a selection looks for events.
type From string

// The places of selections.
const (
	FromDead     From = "dead"     // dead letters
	FromUnrouted From = "unrouted" // events that match no route
	FromFailing  From = "failing"  // events that wait for another attempt
	FromJournal  From = "journal"  // recorded events, also done ones
)

// Selection chooses events. An empty field chooses all.
type Selection struct {
	From   From     `json:"from"`
	Routes []string `json:"routes,omitempty"` // of dead letters and failing events; of the journal: where the event was
	Source string   `json:"source,omitempty"`
	Action string   `json:"action,omitempty"`
	IDs    []string `json:"ids,omitempty"`    // of events that a person has picked
	Reason string   `json:"reason,omitempty"` // of the failure, from the closed list of package worker
	Cause  string   `json:"cause,omitempty"`  // pattern of the errors of a group of failures: see pkg/errorpattern
	Text   string   `json:"text,omitempty"`   // search in the journal
	// State is that of events of the journal, on their routes if the selection names routes.
	State journal.State `json:"state,omitempty"`
	// Since and Until bound the time of death, or of receipt where there is no death: from Since on, and before Until.
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
}

// PlanRequest asks for a plan.
type PlanRequest struct {
	Action    Action    `json:"action"`
	Selection Selection `json:"selection"`
	To        []string  `json:"to,omitempty"` // routes that get recorded events again; only for a replay from the journal
	By        string    `json:"by"`           // the person
}

// check returns every error in the request.
func (r PlanRequest) check() error {
	var errs []error
	allowed := map[Action][]From{
		Replay: {FromDead, FromUnrouted, FromJournal}, RetryNow: {FromFailing}, Discard: {FromDead, FromUnrouted},
	}
	switch froms, known := allowed[r.Action]; {
	case !known:
		errs = append(errs, fmt.Errorf("the action %q is none of replay, retry_now, discard", r.Action))
	case !slices.Contains(froms, r.Selection.From):
		errs = append(errs, fmt.Errorf("%s is for %s, and the selection is from %q", r.Action, joined(froms), r.Selection.From))
	}
	if r.By == "" {
		errs = append(errs, errors.New("by is empty; it names the person"))
	}
	if fromJournal := r.Selection.From == FromJournal; fromJournal != (len(r.To) > 0) {
		errs = append(errs, errors.New("to names the routes of a replay from the journal, and of nothing else"))
	}
	if s := r.Selection; s.From == FromUnrouted && (len(s.Routes) > 0 || s.Reason+s.Cause != "") {
		errs = append(errs, errors.New("unrouted events have no route and no failure: leave out routes, reason and cause"))
	}
	if s := r.Selection; s.Text+string(s.State) != "" && s.From != FromJournal {
		errs = append(errs, errors.New("text and state search the journal only"))
	}
	if r.Selection.Reason != "" && r.Selection.From == FromJournal {
		errs = append(errs, errors.New("the journal searches by cause, not by reason"))
	}
	return errors.Join(errs...)
}

func joined(froms []From) string {
	var names []string
	for _, f := range froms {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}

// matches reports whether the selection chooses a stored delivery of one of its routes.
func (s Selection) matches(d broker.StoredDelivery) bool {
	at := d.Died
	if at.IsZero() {
		at = d.Event.Time
	}
	switch {
	case s.Source != "" && s.Source != d.Event.Source,
		s.Action != "" && s.Action != d.Event.Action,
		s.Reason != "" && s.Reason != d.Reason,
		!s.Since.IsZero() && at.Before(s.Since),
		!s.Until.IsZero() && !at.Before(s.Until),
		len(s.IDs) > 0 && !slices.Contains(s.IDs, d.Event.ID):
		return false
	}
	return s.Cause == "" || s.Cause == CauseOf(d.FirstError, d.Reason) || s.Cause == CauseOf(d.LastError, d.Reason)
}

// maxCause bounds the bytes of an error that its cause is made of, as in the journal.
const maxCause = 300

// CauseOf returns the cause of a failure, as the journal groups failures: the pattern of the error, and the reason if there is no error.
func CauseOf(err, reason string) string {
	return strings.ToValidUTF8(cmp.Or(errorpattern.Of(err[:min(len(err), maxCause)]), reason, "no text"), "\uFFFD")
}

// filters returns the filters of the journal that find the events of the selection: one for each route.
func (s Selection) filters() (all []journal.Filter) {
	f := journal.Filter{Text: s.Text, Source: s.Source, Action: s.Action, State: s.State, Pattern: s.Cause, From: s.Since, To: s.Until}
	if len(s.Routes) == 0 {
		return []journal.Filter{f}
	}
	for _, route := range s.Routes {
		f.Route = route
		all = append(all, f)
	}
	return all
}
