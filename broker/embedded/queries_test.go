package embedded

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestGetFindsAnIDByTheIndexOfUndeliveredEvents(t *testing.T) {
	t.Parallel()
	cfg := Config{Path: filepath.Join(t.TempDir(), "line.db"), MaxBytes: MinBytes}
	if err := makeFile(cfg.Path); err != nil {
		t.Fatal(err)
	}
	s, err := openStore(cfg, true)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}()
	var plan string
	for _, q := range s.queries.all() {
		if q.stmt != &s.queries.undeliveredByID {
			continue
		}
		var id, parent, unused int
		row := s.read.QueryRowContext(t.Context(), "EXPLAIN QUERY PLAN "+q.text, "archive", "dead", "1", -1, 0)
		if err := row.Scan(&id, &parent, &unused, &plan); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(plan, "INDEX delivery_undelivered (route=? AND event_id=?") {
		t.Errorf("the plan begins with %q", plan)
	}
}
