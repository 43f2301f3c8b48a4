package embedded_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
)

func audit(t *testing.T, sqlite broker.Auditor) broker.Audit {
	t.Helper()
	a, err := sqlite.Audit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAFileOfVersion1IsUpgraded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "line.db")
	dump, err := os.ReadFile("testdata/version1.sql") // version 1 itself wrote that database
	if err != nil {
		t.Fatal(err)
	}
	if _, err := database(t, path).ExecContext(t.Context(), string(dump)); err != nil {
		t.Fatal(err)
	}
	cfg := embedded.Config{Path: path, Routes: []broker.Route{archive(1)}}
	if _, err := embedded.Attach(cfg); err == nil || !strings.Contains(err.Error(), "start `hookline run` of this version once") {
		t.Errorf("attach before: %v", err)
	}
	began := time.Now().Truncate(time.Millisecond)
	shut(t, openOnce(t, cfg))
	sqlite := open(t, cfg)
	a := audit(t, sqlite)
	if a.Since.Before(began) || a.Since.After(time.Now()) || len(a.Sources) != 0 || a.Unaccounted != 0 {
		t.Errorf("audit %+v", a)
	}
	want := []broker.RouteAudit{
		{Route: "", Accepted: 1, Waiting: 1},
		{Route: "archive", Accepted: 5, Waiting: 1, Retrying: 1, Done: 1, Dead: 1, Discarded: 1},
	}
	if !reflect.DeepEqual(a.Routes, want) {
		t.Errorf("routes %+v, want %+v", a.Routes, want)
	}
	for _, route := range []string{broker.Unrouted, "archive"} {
		listed, _, err := sqlite.List(t.Context(), route, broker.Page{Limit: 10})
		if err != nil || len(listed) != 1 {
			t.Fatalf("route %q: %d undelivered events: %v", route, len(listed), err)
		}
		if found, err := sqlite.Get(t.Context(), route, listed[0].Event.ID); err != nil || len(found) != 1 {
			t.Errorf("route %q: %d events with ID %s: %v", route, len(found), listed[0].Event.ID, err)
		}
	}
	handle(t, sqlite, archive(1), 1)
	publishAll(t, sqlite, 1)
	if a = audit(t, sqlite); len(a.Sources) != 1 || a.Sources[0].Accepted != 1 || a.Routes[1].Done != 2 {
		t.Errorf("audit of later work %+v", a)
	}
}

func TestRowsDeletedByAPersonAreUnaccounted(t *testing.T) {
	t.Parallel()
	cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(1)}}
	sqlite := open(t, cfg)
	publishAll(t, sqlite, 10)
	beside, err := embedded.Attach(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = beside.Close(t.Context()) })
	db := database(t, cfg.Path)
	for _, step := range []struct {
		sql                       string
		waiting, lost, extra, sum int64
	}{
		{"DELETE FROM delivery WHERE seq IN (2, 3)", 8, 2, 0, 2},
		{"DELETE FROM event WHERE seq IN (3, 4, 5)", 6, 4, 0, 4},
		{"UPDATE delivery SET state = 'lost' WHERE seq = 6", 5, 5, 0, 5},
		{"UPDATE tally SET n = n - 7", 5, 0, 2, 0},
		{"DELETE FROM tally", 5, 0, 5, 0},
	} {
		if _, err := db.ExecContext(t.Context(), step.sql); err != nil {
			t.Fatal(err)
		}
		for name, auditor := range map[string]broker.Auditor{"broker": sqlite, "beside": beside} {
			a := audit(t, auditor)
			if r := a.Routes[1]; r.Waiting != step.waiting || r.Unaccounted != step.lost || r.Extra != step.extra || a.Unaccounted != step.sum {
				t.Errorf("%s after %s: %+v, %d unaccounted", name, step.sql, r, a.Unaccounted)
			}
		}
	}
}

func TestCountsReachTheDiskWithinASecondAndAtClose(t *testing.T) {
	t.Parallel()
	cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(1)}}
	sqlite := openOnce(t, cfg)
	for range 1000 {
		sqlite.Count("alma", "mismatch")
	}
	await(t.Context(), t, func() bool {
		sources := audit(t, sqlite).Sources
		return len(sources) == 1 && sources[0].Rejected["mismatch"] == 1000
	})
	sqlite.Count("alma", "mismatch")
	shut(t, sqlite)
	if sources := audit(t, open(t, cfg)).Sources; len(sources) != 1 || sources[0].Rejected["mismatch"] != 1001 {
		t.Errorf("after the end: %+v", sources)
	}
}
