package api_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/console/api"
	"github.com/hookline/hookline/journal"
)

// fakeQuarantine is an api.Quarantine on a real journal. It admits requests with a reason.
type fakeQuarantine struct{ *journal.Store }

func (q *fakeQuarantine) Groups(ctx context.Context) ([]journal.RejectedGroup, error) {
	return q.RejectedGroups(ctx)
}

func (q *fakeQuarantine) Requests(ctx context.Context, f journal.RejectedFilter, before int64, limit int) ([]journal.RejectedRequest, error) {
	return q.RejectedRequests(ctx, f, before, limit)
}

func (q *fakeQuarantine) Request(ctx context.Context, seq int64) (journal.RejectedRequest, error) {
	return q.RejectedRequest(ctx, seq)
}

func (q *fakeQuarantine) Check(journal.RejectedRequest) error {
	return errors.New("its signature does not fit")
}

func (q *fakeQuarantine) Admit(ctx context.Context, seq int64, unverified string) (string, error) {
	if unverified == "" {
		return "", errors.New("its signature does not fit")
	}
	return "event-1", q.Discard(ctx, seq)
}

func (q *fakeQuarantine) Discard(ctx context.Context, seq int64) error {
	_, err := q.RemoveRejected(ctx, func(r journal.RejectedRequest) bool { return r.Seq == seq })
	return err
}

// reject writes rejected requests into the journal.
func (i *installation) reject(n int) {
	i.t.Helper()
	i.batches++
	b := journal.Batch{Process: "test", Number: i.batches}
	for range n {
		b.Rejected = append(b.Rejected, journal.Rejected{Source: "alma", Time: time.Now(), Method: "POST", Path: "/webhooks/alma", Query: "a=b", Body: []byte("{}"), Size: 2,
			Header: map[string][]string{"X-Trace": {"1"}}, Status: 401, Reason: "mismatch", Cause: "old_secret", Summary: "Signed with the old secret",
			Advice: "Put in the new one.", Checks: []journal.Check{{Passed: true, Text: "Secret fits"}}})
	}
	if err := i.journal.Append(i.t.Context(), b); err != nil {
		i.t.Fatal(err)
	}
}

func (c *contract) callRejected() {
	c.reject(3)
	c.call(http.StatusOK, "GET", "/api/v1/rejected/groups", "")
	c.call(http.StatusOK, "GET", "/api/v1/rejected?limit=2&source=alma&cause=old_secret", "")
	c.call(http.StatusBadRequest, "GET", "/api/v1/rejected?before=x", "")
	c.call(http.StatusOK, "GET", "/api/v1/rejected/1", "")
	c.call(http.StatusNotFound, "GET", "/api/v1/rejected/99", "")
	c.call(http.StatusConflict, "POST", "/api/v1/rejected/1/admit", `{}`)
	c.call(http.StatusOK, "POST", "/api/v1/rejected/1/admit", `{"unverified":"known by its address"}`)
	c.call(http.StatusBadRequest, "POST", "/api/v1/rejected/2/discard", `{"why":" "}`)
	c.call(http.StatusOK, "POST", "/api/v1/rejected/2/discard", `{"why":"a test"}`)
	c.call(http.StatusNotFound, "POST", "/api/v1/rejected/2/discard", `{"why":"a test"}`)
}

func TestActsOnRejectedRequestsAreInTheLog(t *testing.T) {
	t.Parallel()
	c := newContract(start(t, nil))
	c.reject(2)
	c.call(http.StatusConflict, "POST", "/api/v1/rejected/1/admit", `{}`)
	c.call(http.StatusOK, "POST", "/api/v1/rejected/2/admit", `{"unverified":"known by its address"}`)
	log := c.call(http.StatusOK, "GET", "/api/v1/log", "")
	for _, want := range []string{"rejected request admitted", "rejected request 2 of alma", "known by its address", "refused: its signature does not fit"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q: %s", want, log)
		}
	}
	if left := c.call(http.StatusOK, "GET", "/api/v1/rejected", ""); strings.Contains(left, `"seq":2`) || !strings.Contains(left, `"seq":1`) {
		t.Errorf("left: %s", left)
	}
}

func TestWithoutAQuarantine(t *testing.T) {
	t.Parallel()
	c := newContract(start(t, func(p *api.Parts) { p.Quarantine = nil }))
	c.call(http.StatusServiceUnavailable, "GET", "/api/v1/rejected", "")
	c.call(http.StatusServiceUnavailable, "GET", "/api/v1/rejected/groups", "")
	c.call(http.StatusServiceUnavailable, "POST", "/api/v1/rejected/1/discard", `{"why":"x"}`)
}
