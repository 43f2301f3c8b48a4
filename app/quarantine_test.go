package app_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/journal"
	"github.com/hookline/hookline/receiver"
)

// The whole way: a request is turned away, it is in the quarantine with its cause, a person admits it, and its event is handled.
func TestARejectedRequestIsKeptAndAdmitted(t *testing.T) {
	t.Parallel()
	a, handled, _ := newAppWith(t, "journal: { enabled: true }\n")
	q, ok := a.Quarantine()
	if !ok {
		t.Fatal("no quarantine")
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	defer func() {
		stop()
		if err := errors.Join(<-ended, a.Close()); err != nil {
			t.Error(err)
		}
	}()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/alma", strings.NewReader(`{"id":"7","action":"LOAN"}`))
	r.Header.Set("X-Exl-Signature", "AAAA")
	w := httptest.NewRecorder()
	a.Receiver.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusUnauthorized {
		t.Fatal(w.Code, w.Body)
	}
	groups := groupsOf(t, q)
	if len(groups) != 1 || groups[0].Source != "alma" || groups[0].Cause != "unexplained" {
		t.Fatalf("%+v", groups)
	}
	kept, err := q.Request(ctx, groups[0].Sample)
	if err != nil || string(kept.Body) != `{"id":"7","action":"LOAN"}` || kept.Header["X-Exl-Signature"][0] != "AAAA" || kept.Advice == "" || len(kept.Checks) == 0 {
		t.Fatalf("%+v, %v", kept, err)
	}
	if err := q.Check(kept); !errors.Is(err, receiver.ErrNotAdmitted) {
		t.Errorf("a wrong signature: %v", err)
	}
	if _, err := q.Admit(ctx, kept.Seq, ""); !errors.Is(err, receiver.ErrNotAdmitted) {
		t.Errorf("a wrong signature: %v", err)
	}
	if id, err := q.Admit(ctx, kept.Seq, "the librarian sent it by hand"); id != "7" || err != nil {
		t.Fatalf("%q, %v", id, err)
	}
	if d := <-handled; d.Event.ID != "7" || !strings.HasSuffix(d.Event.Header[receiver.AdmittedHeader], "; unverified") {
		t.Errorf("%+v", d.Event)
	}
	if _, err := q.Admit(ctx, kept.Seq, "again"); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("an admitted request stays: %v", err)
	}
}

// groupsOf waits until the journal has the first rejected request.
func groupsOf(t *testing.T, q *app.Quarantine) []journal.RejectedGroup {
	t.Helper()
	for {
		changed := q.Changed()
		groups, err := q.Groups(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(groups) > 0 {
			return groups
		}
		<-changed
	}
}
