package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/journal"
	"github.com/hookline/hookline/receiver"
)

// Quarantine shows, admits and discards the rejected requests of the journal. It is safe for concurrent use.
type Quarantine struct {
	store    *journal.Store
	receiver *receiver.Receiver
}

// Quarantine returns the rejected requests, and false without a journal or without a receiver in this process.
func (a *App) Quarantine() (*Quarantine, bool) {
	if a.journal == nil || a.journal.store == nil || a.Receiver == nil {
		return nil, false
	}
	return &Quarantine{a.journal.store, a.Receiver}, true
}

// Groups returns the rejected requests by source and cause, the latest group first.
func (q *Quarantine) Groups(ctx context.Context) ([]journal.RejectedGroup, error) {
	return q.store.RejectedGroups(ctx)
}

// Requests returns up to limit requests, the newest first, with numbers below before; 0 begins with the newest.
func (q *Quarantine) Requests(ctx context.Context, f journal.RejectedFilter, before int64, limit int) ([]journal.RejectedRequest, error) {
	return q.store.RejectedRequests(ctx, f, before, limit)
}

// Request returns the request with a number, or journal.ErrNotFound.
func (q *Quarantine) Request(ctx context.Context, seq int64) (journal.RejectedRequest, error) {
	return q.store.RejectedRequest(ctx, seq)
}

// Check returns nil if a request would be let in with the present configuration, and otherwise a receiver.ErrNotAdmitted that says why.
func (q *Quarantine) Check(r journal.RejectedRequest) error {
	return q.receiver.Admissible(toReceiver(r.Rejected))
}

// Admit makes an event of a request and returns the event's ID, also if the event was stored before. The request is then gone. With a
// reason in unverified its signature need not fit; the caller writes down who did so, and why, before. Errors are journal.ErrNotFound,
// receiver.ErrNotAdmitted and those of the broker; the request stays then.
func (q *Quarantine) Admit(ctx context.Context, seq int64, unverified string) (id string, err error) {
	r, err := q.store.RejectedRequest(ctx, seq)
	if err != nil {
		return "", err
	}
	if id, err = q.receiver.Readmit(ctx, toReceiver(r.Rejected), unverified); err != nil && !errors.Is(err, broker.ErrDuplicate) {
		return "", err
	}
	if err := q.Discard(ctx, seq); err != nil {
		return id, fmt.Errorf("event %s is stored, but its rejected request stays: %w", id, err)
	}
	return id, nil
}

// Discard removes a request for good. Without a request of that number it does nothing.
func (q *Quarantine) Discard(ctx context.Context, seq int64) error {
	_, err := q.store.RemoveRejected(ctx, func(r journal.RejectedRequest) bool { return r.Seq == seq })
	return err
}

// Rejected records a rejected request.
func (j *journaling) Rejected(r receiver.Rejected) {
	cause, summary, advice := r.Why()
	out := journal.Rejected{
		Source: r.Source, Time: r.Time, Client: r.Client, Method: r.Method, Path: r.Path, Query: r.Query, Header: r.Header, Body: r.Body, Size: r.Size, Cut: r.Cut,
		Status: r.Status, Reason: r.Reason, LeftOut: r.LeftOut, Process: j.process, Cause: cause, Summary: summary, Advice: advice,
	}
	for _, c := range r.Diagnosis.Checks {
		out.Checks = append(out.Checks, journal.Check(c))
	}
	j.recorder.Rejected(out)
}

// toReceiver returns a recorded request without its cause, which is found again.
func toReceiver(r journal.Rejected) receiver.Rejected {
	return receiver.Rejected{Source: r.Source, Time: r.Time, Method: r.Method, Path: r.Path, Query: r.Query, Header: http.Header(r.Header), Body: r.Body, Size: r.Size, Cut: r.Cut}
}

// Changed returns a channel that is closed at the next change of the journal.
func (q *Quarantine) Changed() <-chan struct{} { return q.store.Changed() }
