package journal_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/journal"
)

// turnedAway is a rejected request of some time ago.
func turnedAway(source, summary string, ago time.Duration) journal.Rejected {
	return journal.Rejected{
		Source: source, Time: time.Now().Add(-ago).UTC().Truncate(time.Millisecond), Cause: "old_secret", Summary: summary, Method: "POST", Path: "/webhooks/" + source,
		Header: map[string][]string{"X-Two": {"1", "2"}}, Body: []byte(`{"patron":"Ada Example"}`), Size: 24, Status: 401, Reason: "mismatch",
		Checks: []journal.Check{{Passed: true, Text: "fits"}},
	}
}

func (f *feed) rejected(all ...journal.Rejected) {
	f.t.Helper()
	f.number++
	if err := f.store.Append(f.t.Context(), journal.Batch{Process: "one", Number: f.number, Rejected: all}); err != nil {
		f.t.Fatal(err)
	}
}

func rejectedOf(t *testing.T, s *journal.Store, f journal.RejectedFilter) []journal.RejectedRequest {
	t.Helper()
	all, err := s.RejectedRequests(t.Context(), f, 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestRejectedRequestsAreGroupedByCause(t *testing.T) {
	t.Parallel()
	s := open(t, journal.Config{})
	f := feedOf(t, s)
	left := turnedAway("alma", "Signed with the old secret", 3*time.Hour)
	left.LeftOut = 5
	f.rejected(left, turnedAway("alma", "No signature", 2*time.Hour), turnedAway("github", "Signed with the old secret", time.Hour+time.Minute))
	newest := turnedAway("alma", "Signed with the old secret", time.Minute)
	f.rejected(newest, turnedAway("", "No source has this name", 8*24*time.Hour)) // the last has expired
	groups, err := s.RejectedGroups(t.Context())
	if err != nil || len(groups) != 3 {
		t.Fatalf("%+v, %v", groups, err)
	}
	g := groups[0]
	if g.Source != "alma" || g.Cause != "old_secret" || g.Count != 2 || g.LastHour != 1 || g.LeftOut != 5 || !g.First.Equal(left.Time) || !g.Last.Equal(newest.Time) {
		t.Errorf("%+v", g)
	}
	sample, err := s.RejectedRequest(t.Context(), g.Sample)
	if err != nil || string(sample.Body) != string(newest.Body) || len(sample.Header["X-Two"]) != 2 || !sample.Checks[0].Passed || !sample.Time.Equal(newest.Time) {
		t.Errorf("%+v, %v", sample, err)
	}
	if got := rejectedOf(t, s, journal.RejectedFilter{Source: "alma", Summary: g.Summary}); len(got) != 2 || got[0].Seq != g.Sample {
		t.Errorf("%+v", got)
	}
	if got, err := s.RejectedRequests(t.Context(), journal.RejectedFilter{Cause: "old_secret"}, g.Sample, 2); err != nil || len(got) != 2 || got[0].Seq >= g.Sample {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := s.RejectedRequest(t.Context(), 99); !errors.Is(err, journal.ErrNotFound) {
		t.Error(err)
	}
}

// A flood of one source displaces its own oldest requests, by number and by bytes.
func TestRejectedRequestsAreBounded(t *testing.T) {
	t.Parallel()
	s := open(t, journal.Config{})
	f := feedOf(t, s)
	f.rejected(turnedAway("quiet", "", time.Hour))
	var flood []journal.Rejected
	for range journal.MaxRejected + 10 {
		flood = append(flood, turnedAway("flood", "", time.Minute))
	}
	f.rejected(flood...)
	all := rejectedOf(t, s, journal.RejectedFilter{})
	if len(all) != journal.MaxRejected || all[len(all)-1].Source != "quiet" || all[len(all)-2].Seq != 13 {
		t.Fatalf("%d requests; the oldest are %d of %s and %d", len(all), all[len(all)-1].Seq, all[len(all)-1].Source, all[len(all)-2].Seq)
	}
	large := turnedAway("large", "", time.Minute)
	large.Body = bytes.Repeat([]byte("x"), journal.MaxRejectedBytes/100)
	flood = nil
	for range 110 {
		flood = append(flood, large)
	}
	f.rejected(flood...)
	bytes := 0
	for _, r := range rejectedOf(t, s, journal.RejectedFilter{Source: "large"}) {
		bytes += len(r.Body)
	}
	if quiet := rejectedOf(t, s, journal.RejectedFilter{Source: "quiet"}); len(quiet) != 1 || bytes > journal.MaxRejectedBytes || bytes < journal.MaxRejectedBytes/2 {
		t.Errorf("%d bytes, and %d requests of the quiet source", bytes, len(quiet))
	}
}

func TestRejectedRequestsWithoutBodies(t *testing.T) {
	t.Parallel()
	s := open(t, journal.Config{Sources: map[string]journal.SourceConfig{"alma": {NoBodies: true}}})
	feedOf(t, s).rejected(turnedAway("alma", "", 0))
	if got := rejectedOf(t, s, journal.RejectedFilter{})[0]; got.Body != nil || got.Header != nil || !got.Cut || got.Size != 24 {
		t.Errorf("%+v", got)
	}
}

// Removed requests leave nothing in the file, and their numbers are not used again.
func TestRejectedRequestsAreRemovedForGood(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, journal.Config{Dir: dir})
	f := feedOf(t, s)
	other := turnedAway("alma", "", 0)
	other.Body = []byte("another person")
	f.rejected(other, turnedAway("alma", "", 0))
	n, err := s.RemoveRejected(t.Context(), func(r journal.RejectedRequest) bool { return strings.Contains(string(r.Body), "Ada") })
	if err != nil || n != 1 {
		t.Fatal(n, err)
	}
	f.rejected(other)
	if got := rejectedOf(t, s, journal.RejectedFilter{}); len(got) != 2 || got[0].Seq != 3 || got[1].Seq != 1 {
		t.Errorf("%+v", got)
	}
	for _, name := range []string{"journal.db", "journal.db-wal"} {
		file, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || bytes.Contains(file, []byte("QWRhIEV4YW1wbGU")) || bytes.Contains(file, []byte("eyJwYXRyb24iOiJBZGEgRXhhbXBsZSJ9")) {
			t.Errorf("%s has the removed body, or cannot be read: %v", name, err)
		}
	}
}

// A journal of the first version gets the table.
func TestAJournalWithoutRejectedRequestsIsUpgraded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := journal.Open(journal.Config{Dir: dir}, prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "journal.db"))
	if err == nil {
		_, err = db.ExecContext(t.Context(), "DROP TABLE rejected; PRAGMA user_version = 1")
	}
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	s = open(t, journal.Config{Dir: dir})
	feedOf(t, s).rejected(turnedAway("alma", "", 0))
	if got := rejectedOf(t, s, journal.RejectedFilter{}); len(got) != 1 {
		t.Errorf("%+v", got)
	}
}

// A recorder hands on rejected requests, and without room their bodies are left out.
func TestARecorderHandsOnRejectedRequests(t *testing.T) {
	t.Parallel()
	s := open(t, journal.Config{})
	r, err := journal.NewRecorder(journal.RecorderConfig{MaxBytes: 4096}, s, prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	large := turnedAway("alma", "large", 0)
	large.Body = make([]byte, 4096)
	r.Rejected(turnedAway("alma", "small", 0))
	r.Rejected(large)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	r.Run(ended)
	got := rejectedOf(t, s, journal.RejectedFilter{})
	if len(got) != 2 || got[0].Body != nil || !got[0].Cut || len(got[1].Body) != 24 || got[1].Cut {
		t.Errorf("%+v", got)
	}
}
