package reconcile_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/hookline/hookline/alma"
	"github.com/hookline/hookline/alma/reconcile"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/signature"
)

// library plays Alma's API.
type library struct {
	runs map[string][]alma.JobRun
	err  error
}

func (l library) JobRuns(_ context.Context, job string, _ time.Time) ([]alma.JobRun, error) {
	return l.runs[job], l.err
}

func (l library) JobRun(_ context.Context, job, run string) ([]byte, error) {
	return []byte(`{"id":"` + run + `","job_info":{"id":"` + job + `"}}`), nil
}

// receiver takes what is fed in, if it is signed as Alma signs.
type receiver struct {
	*httptest.Server
	bodies []string
	code   int
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	scheme, _ := signature.Preset("alma")
	verifier, err := signature.New(scheme, []signature.Secret{{Value: "first"}})
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{code: http.StatusOK}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		if _, err := verifier.Verify(signature.Request{Method: req.Method, Header: req.Header, Body: body}, time.Now()); err != nil || req.Header.Get(reconcile.Header) != "true" {
			t.Errorf("%v: %v", req.Header, err)
		}
		r.bodies = append(r.bodies, string(body))
		w.WriteHeader(r.code)
	}))
	t.Cleanup(r.Close)
	return r
}

func ended(id string, ago time.Duration) alma.JobRun {
	return alma.JobRun{ID: id, Ended: time.Now().Add(-ago).UTC().Format(event.TimeFormat)}
}

// known is a folder whose memory is as old as that.
func known(t *testing.T, age time.Duration) string {
	t.Helper()
	dir := t.TempDir()
	began := filepath.Join(dir, ".began")
	if err := os.WriteFile(began, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-age)
	if err := os.Chtimes(began, at, at); err != nil {
		t.Fatal(err)
	}
	return dir
}

func newHandler(t *testing.T, dir string, to *receiver, from library) handler.Handler {
	t.Helper()
	h, err := reconcile.New(reconcile.Config{Jobs: []string{"M44", "S1"}, Seen: dir, URL: to.URL, Secret: "first"}, from, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func handle(t *testing.T, h handler.Handler, action, id string) error {
	t.Helper()
	return h.Handle(t.Context(), event.Delivery{Event: event.Event{ID: id, Source: "alma", Action: action}, Attempt: 1})
}

func TestMissingJobRunsAreSent(t *testing.T) {
	t.Parallel()
	to := newReceiver(t)
	h := newHandler(t, known(t, 100*time.Hour), to, library{runs: map[string][]alma.JobRun{
		"M44": {ended("1", 20*time.Hour), ended("2", 20*time.Hour), {ID: "3"}, ended("4", time.Hour), ended("5", 101*time.Hour)},
		"S1":  {ended("6", 12*time.Hour)},
	}})
	if err := handle(t, h, "job_end", "2"); err != nil {
		t.Fatal(err)
	}
	if err := handle(t, h, "reconcile", "nightly-1"); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(to.bodies, "\n")
	if len(to.bodies) != 2 || !strings.Contains(got, `{"id":"1","action":"JOB_END","time":"`) || !strings.Contains(got, `"job_instance":{"id":"6","job_info":{"id":"S1"}}}`) {
		t.Errorf("fed in: 1 and 6 are missing, 2 arrived, 3 runs, 4 may still come, 5 was before the memory:\n%s", got)
	}
	for _, id := range []string{"1", "6"} { // they arrive
		if err := handle(t, h, "job_end", id); err != nil {
			t.Fatal(err)
		}
	}
	if err := handle(t, h, "reconcile", "nightly-2"); err != nil || len(to.bodies) != 2 {
		t.Errorf("fed in again: %v %v", to.bodies, err)
	}
}

func TestANewMemoryFeedsNothingIn(t *testing.T) {
	t.Parallel()
	to := newReceiver(t)
	h := newHandler(t, filepath.Join(t.TempDir(), "seen"), to, library{runs: map[string][]alma.JobRun{"M44": {ended("1", 20*time.Hour)}}})
	if err := handle(t, h, "reconcile", "nightly-1"); err != nil || len(to.bodies) != 0 {
		t.Errorf("%v %v", to.bodies, err)
	}
}

func TestFailedJobRunsAreErrorsAndOthersAreSent(t *testing.T) {
	t.Parallel()
	to := newReceiver(t)
	h := newHandler(t, known(t, 100*time.Hour), to, library{runs: map[string][]alma.JobRun{"M44": {{ID: "1", Ended: "yesterday"}, ended("../2", 20*time.Hour)}, "S1": {ended("3", 20*time.Hour)}}})
	err := handle(t, h, "reconcile", "nightly-1")
	if err == nil || !strings.Contains(err.Error(), "job M44: run 1: end_time") || !strings.Contains(err.Error(), `"../2" is not the ID`) || len(to.bodies) != 1 {
		t.Errorf("%v %v", to.bodies, err)
	}
	to.code = http.StatusServiceUnavailable
	if err := handle(t, h, "reconcile", "nightly-2"); err == nil || !strings.Contains(err.Error(), "run 3: the receiver answered 503") {
		t.Error(err)
	}
	away := errors.New("away")
	if err := handle(t, newHandler(t, known(t, time.Hour), to, library{err: away}), "reconcile", "nightly-3"); !errors.Is(err, away) {
		t.Error(err)
	}
}

func TestAUsedUpDayIsWaitedFor(t *testing.T) {
	t.Parallel()
	quota := &alma.QuotaError{Until: time.Now().Add(time.Hour)}
	err := handle(t, newHandler(t, known(t, time.Hour), newReceiver(t), library{err: quota}), "reconcile", "nightly-1")
	if after, ok := handler.AfterOf(err); !ok || after < 59*time.Minute || !errors.Is(err, quota) {
		t.Errorf("again after %v: %v", after, err)
	}
}

func TestOldArrivalsAreForgotten(t *testing.T) {
	t.Parallel()
	dir := known(t, 1000*time.Hour)
	h := newHandler(t, dir, newReceiver(t), library{})
	for _, id := range []string{"old", "new"} {
		if err := handle(t, h, "job_end", id); err != nil {
			t.Fatal(err)
		}
	}
	at := time.Now().Add(-10 * 24 * time.Hour)
	err := os.WriteFile(filepath.Join(dir, "records"), []byte("of something else"), 0o600)
	for _, name := range []string{"old", "records"} {
		err = errors.Join(err, os.Chtimes(filepath.Join(dir, name), at, at))
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := handle(t, h, "reconcile", "nightly-1"); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 || entries[1].Name() != "new" || entries[2].Name() != "records" {
		t.Errorf("old has to go, and what is none of ours to stay: %v %v", entries, err)
	}
}

func TestEverythingWrongIsNamed(t *testing.T) {
	t.Parallel()
	_, err := reconcile.New(reconcile.Config{URL: "hooks.example.org", Wait: 48 * time.Hour, Back: time.Hour}, nil, zap.NewNop())
	for _, want := range []string{"jobs: ", "seen: ", "url: ", "secret: ", "back: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}
