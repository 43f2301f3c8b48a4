package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hookline/hookline/console"
	"github.com/hookline/hookline/console/jobs"
	"github.com/hookline/hookline/journal"
)

// Quarantine has the rejected requests. *app.Quarantine is one.
type Quarantine interface {
	RejectedLists
	RejectedActs
}

// RejectedLists finds rejected requests.
type RejectedLists interface {
	Groups(ctx context.Context) ([]journal.RejectedGroup, error)
	Requests(ctx context.Context, f journal.RejectedFilter, before int64, limit int) ([]journal.RejectedRequest, error)
	Request(ctx context.Context, seq int64) (journal.RejectedRequest, error)
}

// RejectedActs makes events of rejected requests, or discards them.
type RejectedActs interface {
	// Check returns the reason why a request would not be let in now; nil: it would.
	Check(r journal.RejectedRequest) error
	// Admit returns the ID of the event. With a reason in unverified the signature need not fit.
	Admit(ctx context.Context, seq int64, unverified string) (id string, err error)
	Discard(ctx context.Context, seq int64) error
}

// RejectedGroups are the rejected requests by source and cause, the latest group first.
type RejectedGroups struct {
	Groups []RejectedGroup `json:"groups"`
}

// RejectedGroup is a number of rejected requests of one source with one cause.
type RejectedGroup struct {
	Source   string    `json:"source"` // empty: no source has the name
	Cause    string    `json:"cause"`
	Summary  string    `json:"summary"`
	Count    int       `json:"count"`
	LastHour int       `json:"last_hour"` // how many of them came in the last hour
	LeftOut  int64     `json:"left_out"`  // more requests of the source that a flood left out
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	Sample   int64     `json:"sample"` // number of the newest
}

// RejectedPage is a page of rejected requests, the newest first.
type RejectedPage struct {
	Requests []RejectedRequest `json:"requests"`
	Next     string            `json:"next"` // cursor of the next page; empty: this is the last one
}

// RejectedRequest is a rejected request in a list.
type RejectedRequest struct {
	Seq     int64     `json:"seq"`
	Source  string    `json:"source"`
	Time    time.Time `json:"time"`
	Client  string    `json:"client"`
	Method  string    `json:"method"`
	Path    string    `json:"path"`
	Status  int       `json:"status"`
	Reason  string    `json:"reason"`
	Cause   string    `json:"cause"`
	Summary string    `json:"summary"`
	Size    int64     `json:"size"` // of the body in bytes, as it came
	Cut     bool      `json:"cut"`  // the body is not kept whole, and the request cannot be admitted
}

// RejectedDetail is a rejected request with the checks that found its cause. Query, header and body need the role bodies.
type RejectedDetail struct {
	RejectedRequest
	Advice  string              `json:"advice"`
	Checks  []RejectedCheck     `json:"checks"`
	Refused string              `json:"refused"` // the reason why it would not be let in now; empty: it would
	Query   string              `json:"query,omitempty"`
	Header  map[string][]string `json:"header,omitempty"`
	Body    *Body               `json:"body,omitempty"`
}

// RejectedCheck is one thing that was tried.
type RejectedCheck struct {
	Passed bool   `json:"passed"`
	Text   string `json:"text"`
}

// AdmitRequest admits a rejected request.
type AdmitRequest struct {
	Unverified string `json:"unverified,omitempty"` // reason to admit it although its signature does not fit
}

// Admitted is the event of an admitted request.
type Admitted struct {
	ID string `json:"id"`
}

// DiscardRequest discards a rejected request.
type DiscardRequest struct {
	Why string `json:"why"`
}

func (a *API) rejectedGroups(r *http.Request) (any, error) {
	if a.parts.Quarantine == nil {
		return nil, noQuarantine()
	}
	groups, err := a.parts.Quarantine.Groups(r.Context())
	answer := RejectedGroups{Groups: []RejectedGroup{}}
	for _, g := range groups {
		answer.Groups = append(answer.Groups, RejectedGroup(g))
	}
	return answer, err
}

func (a *API) rejected(r *http.Request) (any, error) {
	if a.parts.Quarantine == nil {
		return nil, noQuarantine()
	}
	q := query{values: r.URL.Query()}
	f := journal.RejectedFilter{Source: q.text("source"), Cause: q.text("cause")}
	text, limit := q.cursor("before"), q.limit()
	if err := q.end(); err != nil {
		return nil, err
	}
	before, _ := strconv.ParseInt(text, 10, 64) // empty: the newest
	found, err := a.parts.Quarantine.Requests(r.Context(), f, before, limit+1)
	if err != nil {
		return nil, err
	}
	found, next := cut(found, limit, func(r journal.RejectedRequest) int64 { return r.Seq })
	page := RejectedPage{Requests: []RejectedRequest{}, Next: next}
	for _, one := range found {
		page.Requests = append(page.Requests, rejectedOf(one))
	}
	return page, nil
}

func rejectedOf(r journal.RejectedRequest) RejectedRequest {
	return RejectedRequest{Seq: r.Seq, Source: r.Source, Time: r.Time, Client: r.Client, Method: r.Method, Path: r.Path, Status: r.Status, Reason: r.Reason,
		Cause: r.Cause, Summary: r.Summary, Size: r.Size, Cut: r.Cut}
}

func (a *API) rejectedRequest(r *http.Request) (any, error) {
	one, err := a.findRejected(r)
	if err != nil {
		return nil, err
	}
	detail := RejectedDetail{RejectedRequest: rejectedOf(one), Advice: one.Advice, Checks: []RejectedCheck{}}
	for _, c := range one.Checks {
		detail.Checks = append(detail.Checks, RejectedCheck(c))
	}
	if err := a.parts.Quarantine.Check(one); err != nil {
		detail.Refused = err.Error()
	}
	if _, role := console.VisitorOf(r); role.Includes(console.Bodies) {
		detail.Query, detail.Header = one.Query, one.Header
		if one.Body != nil {
			detail.Body = bodyOf(one.Body)
		}
	}
	return detail, nil
}

func (a *API) admit(r *http.Request) (any, error) {
	var in AdmitRequest
	if err := a.readAct(r, &in); err != nil {
		return nil, err
	}
	var admitted Admitted
	err := a.actOnRejected(r, "rejected request admitted", strings.TrimSpace(in.Unverified), func(ctx context.Context, seq int64) (err error) {
		admitted.ID, err = a.parts.Quarantine.Admit(ctx, seq, strings.TrimSpace(in.Unverified))
		return err
	})
	return admitted, err
}

func (a *API) discardRejected(r *http.Request) (any, error) {
	var in DiscardRequest
	if err := a.readAct(r, &in); err != nil {
		return nil, err
	}
	if in.Why = strings.TrimSpace(in.Why); in.Why == "" {
		return nil, problemf(http.StatusBadRequest, "Why is it discarded?", "Nothing was done. Give a reason as why, for the log.")
	}
	return struct{}{}, a.actOnRejected(r, "rejected request discarded", in.Why, func(ctx context.Context, seq int64) error {
		return a.parts.Quarantine.Discard(ctx, seq)
	})
}

// actOnRejected does an act that the log has before it is done.
func (a *API) actOnRejected(r *http.Request, what, why string, act func(context.Context, int64) error) error {
	one, err := a.findRejected(r)
	if err != nil {
		return err
	}
	subject := "rejected request " + strconv.FormatInt(one.Seq, 10) + " of " + one.Source
	id, err := a.parts.Jobs.Note(r.Context(), jobs.Entry{Who: person(r), What: what, Subject: subject, Why: why})
	if err != nil {
		return err
	}
	result := "done"
	if err = act(r.Context(), one.Seq); err != nil {
		result = "refused: " + err.Error()
		err = problemf(http.StatusConflict, "The request stays", "%v.", err)
	}
	if noted := a.parts.Jobs.NoteResult(context.WithoutCancel(r.Context()), id, result); err == nil {
		err = noted
	}
	return err
}

func (a *API) findRejected(r *http.Request) (journal.RejectedRequest, error) {
	if a.parts.Quarantine == nil {
		return journal.RejectedRequest{}, noQuarantine()
	}
	seq, err := strconv.ParseInt(r.PathValue("seq"), 10, 64)
	if err != nil {
		return journal.RejectedRequest{}, journal.ErrNotFound
	}
	return a.parts.Quarantine.Request(r.Context(), seq)
}

func noQuarantine() *Problem {
	return problemf(http.StatusServiceUnavailable, "Rejected requests are not kept here", "Set journal.enabled, and ask the process that receives and serves the console.")
}
