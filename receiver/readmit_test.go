package receiver_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/receiver"
)

// rejectedAt is a request that the sender of a preset signed some time ago with its secret.
func rejectedAt(t testing.TB, name string, at time.Time, body string) receiver.Rejected {
	t.Helper()
	source := preset(t, name)
	v, err := signature.New(source.Verify, source.Secrets)
	r := signature.Request{Method: http.MethodPost, Header: http.Header{"Host": {"hooks.example.org"}}, Query: url.Values{}, Body: []byte(body)}
	if err == nil {
		err = v.Sign(&r, "msg_1", at)
	}
	if err != nil {
		t.Fatal(err)
	}
	return receiver.Rejected{Source: name, Time: at, Method: http.MethodPost, Path: "/webhooks/" + name, Header: r.Header, Body: r.Body, Size: int64(len(body))}
}

// rememberingBroker recognises repeats.
func rememberingBroker() *fakeBroker {
	b := &fakeBroker{}
	b.publish = func(_ context.Context, e event.Event) error {
		if slices.ContainsFunc(b.stored(), func(s event.Event) bool { return s.ID == e.ID && s.Source == e.Source && s.Action == e.Action }) {
			return broker.ErrDuplicate
		}
		return nil
	}
	return b
}

// The whole way: an old secret is turned away, the configuration is changed, and the kept request becomes one event.
func TestARejectedRequestIsAdmittedAfterTheFix(t *testing.T) {
	t.Parallel()
	q, kept, b := &fakeQuarantine{}, &fakeJournal{}, rememberingBroker()
	cfg := only(t, func(s *receiver.Source) {
		s.Secrets[0].NotAfter = time.Now().Add(-time.Hour)
		s.Secrets[0].Label = "2025"
	})
	cfg.Quarantine, cfg.Journal = q, kept
	rc, s := serveReceiver(t, cfg, b)
	header := http.Header{}
	sign(t, "alma", "", header, `{"id":"1","action":"JOB_END"}`)
	s.post(t, "/webhooks/alma", header, `{"id":"1","action":"JOB_END"}`)
	r := q.one(t)
	if err := rc.Admissible(r); !errors.Is(err, receiver.ErrNotAdmitted) {
		t.Fatalf("before the fix: %v", err)
	}
	if id, err := rc.Readmit(t.Context(), r, ""); id != "" || !errors.Is(err, receiver.ErrNotAdmitted) {
		t.Fatalf("before the fix: %q, %v", id, err)
	}
	if err := rc.Reload(only(t, func(s *receiver.Source) { s.Secrets[0].Label = "2025" }).Sources); err != nil {
		t.Fatal(err)
	}
	if err := rc.Admissible(r); err != nil {
		t.Fatal(err)
	}
	id, err := rc.Readmit(t.Context(), r, "")
	e := b.one(t)
	if err != nil || id != e.ID || e.ID != "1" || e.Action != "job_end" || string(e.Data) != string(r.Body) || e.Header[receiver.AdmittedHeader] != r.Time.Format(time.RFC3339) {
		t.Errorf("%q, %v: %+v", id, err, e)
	}
	if again, err := rc.Readmit(t.Context(), r, ""); again != id || !errors.Is(err, broker.ErrDuplicate) {
		t.Errorf("a second time: %q, %v", again, err)
	}
	if got := s.send(t, "alma", nil, `{"id":"1","action":"JOB_END"}`); got.code != http.StatusOK || len(b.stored()) != 1 {
		t.Errorf("the sender's repeat: %d, %d events", got.code, len(b.stored()))
	}
	if len(kept.entries) != 1 || s.metric(t, "readmitted_total", "source", "alma") != 1 || s.metric(t, "accepted_total", "source", "alma") != 0 {
		t.Errorf("journal %q", kept.entries)
	}
}

func TestRejectedRequestsThatAreAdmitted(t *testing.T) {
	t.Parallel()
	hourAgo := time.Now().Add(-time.Hour)
	unsigned := rejectedAt(t, "github", hourAgo, `{"n":1}`)
	unsigned.Header = http.Header{}
	token := rejectedAt(t, "gitlab", hourAgo, `{"n":1}`)
	cut := rejectedAt(t, "alma", hourAgo, `{"n":1}`)
	cut.Cut = true
	unknown := rejectedAt(t, "alma", hourAgo, `{"n":1}`)
	unknown.Source = "gone"
	question := rejectedAt(t, "alma", hourAgo, "")
	question.Method = http.MethodGet
	for _, c := range []struct {
		name     string
		rejected receiver.Rejected
		reason   string
		want     bool
	}{
		{"signed an hour ago", rejectedAt(t, "stripe", hourAgo, `{"id":"1"}`), "", true},
		{"unsigned", unsigned, "", false},
		{"unsigned, with a reason", unsigned, "the proxy lost the header", true},
		{"token", token, "", false},
		{"token, with a reason", token, "known by its address", true},
		{"cut", cut, "a reason", false},
		{"unknown source", unknown, "a reason", false},
		{"GET", question, "a reason", false},
		{"handshake", rejectedAt(t, "slack", hourAgo, `{"type":"url_verification","challenge":"x"}`), "", false},
		{"no path", receiver.Rejected{Source: "alma", Method: http.MethodPost}, "a reason", false},
	} {
		b := rememberingBroker()
		rc, _ := serveReceiver(t, every(t), b)
		id, err := rc.Readmit(t.Context(), c.rejected, c.reason)
		if (err == nil) != c.want || c.want != (len(b.stored()) == 1) || !c.want && !errors.Is(err, receiver.ErrNotAdmitted) {
			t.Errorf("%s: %q, %v", c.name, id, err)
		}
		if c.want {
			mark := hourAgo.UTC().Format(time.RFC3339)
			if c.reason != "" {
				mark += "; unverified"
			}
			if got := b.one(t).Header[receiver.AdmittedHeader]; got != mark {
				t.Errorf("%s: header %q, want %q", c.name, got, mark)
			}
		}
	}
}

// A sender without IDs gets a new ID for each message, and still one event for one rejected request.
func TestARejectedRequestIsOneEventAlsoWithoutAnID(t *testing.T) {
	t.Parallel()
	b := rememberingBroker()
	rc, _ := serveReceiver(t, every(t), b)
	r := rejectedAt(t, "dropbox", time.Now().Add(-time.Minute), "{}")
	first, err := rc.Readmit(t.Context(), r, "")
	if err != nil {
		t.Fatal(err)
	}
	if second, err := rc.Readmit(t.Context(), r, ""); second != first || !errors.Is(err, broker.ErrDuplicate) || len(b.stored()) != 1 {
		t.Errorf("%q and %q, %v", first, second, err)
	}
	later := r
	later.Time = r.Time.Add(time.Second)
	if third, err := rc.Readmit(t.Context(), later, ""); err != nil || third == first {
		t.Errorf("another request: %q, %v", third, err)
	}
}

// Two unsigned requests with different IDs are two events: there is no signature by which one is a copy of the other.
func TestUnverifiedRequestsAreNoCopies(t *testing.T) {
	t.Parallel()
	b := rememberingBroker()
	rc, _ := serveReceiver(t, every(t), b)
	for _, id := range []string{"a", "b"} {
		r := rejectedAt(t, "github", time.Now(), "{}")
		r.Header = http.Header{"X-Github-Delivery": {id}}
		if got, err := rc.Readmit(t.Context(), r, "known"); err != nil || got != id {
			t.Errorf("%q: %q, %v", id, got, err)
		}
	}
}

func TestARejectedRequestStaysWhileTheBrokerIsAway(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	rc, _ := serveReceiver(t, every(t), &fakeBroker{publish: func(context.Context, event.Event) error { return down }})
	if id, err := rc.Readmit(t.Context(), rejectedAt(t, "alma", time.Now(), "{}"), ""); id != "" || !errors.Is(err, down) || errors.Is(err, receiver.ErrNotAdmitted) {
		t.Errorf("%q, %v", id, err)
	}
}

// FuzzReadmit plays a damaged or hostile quarantine: nothing without a right signature becomes an event.
func FuzzReadmit(f *testing.F) {
	f.Add("alma", "POST", "/webhooks/alma", "a=b", "sig", []byte("{}"))
	f.Add("slack", "GET", "://", "%zz", "", []byte(nil))
	cfg, b := every(f), &fakeBroker{}
	rc, _ := serveReceiver(f, cfg, b)
	f.Fuzz(func(t *testing.T, source, method, path, query, value string, body []byte) {
		h := http.Header{"X-Exl-Signature": {value}, "Authorization": {value}, "X-Slack-Signature": {value}, "Host": {value}, "Content-Type": {value}}
		r := receiver.Rejected{Source: source, Method: method, Path: path, Query: query, Header: h, Body: body, Time: time.Unix(1_700_000_000, 0)}
		if id, err := rc.Readmit(t.Context(), r, ""); err == nil || id != "" || !errors.Is(err, receiver.ErrNotAdmitted) {
			t.Fatalf("%q, %v", id, err)
		}
		if id, err := rc.Readmit(t.Context(), r, "a reason"); (err == nil) != (id != "") {
			t.Fatalf("%q, %v", id, err)
		}
	})
}
