package jobs_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hookline/hookline/console/jobs"
)

func TestTheLogIsReadByPagesAndNeverChanged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := openJobs(t, dir, jobs.Parts{})
	for i := range 25 {
		if _, err := j.Note(patient(t), jobs.Entry{Who: "sample.operator", What: "route paused", Subject: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.NoteResult(patient(t), 25, "done"); err != nil {
		t.Fatal(err)
	}
	if err := j.NoteResult(patient(t), 25, "refused"); err == nil {
		t.Error("an entry took a second result")
	}
	if _, err := j.Note(patient(t), jobs.Entry{What: "route paused"}); err == nil {
		t.Error("an entry without a person was taken")
	}
	var subjects []string
	for before := int64(0); ; {
		page, err := j.Log(patient(t), jobs.LogPage{Before: before, Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			subjects = append(subjects, e.Subject)
			if (e.ID == 25) != (e.Result == "done") {
				t.Errorf("the result of entry %d is %q", e.ID, e.Result)
			}
		}
		before = page[len(page)-1].ID
	}
	if len(subjects) != 25 || subjects[0] != "24" || subjects[24] != "0" {
		t.Errorf("the log has %v", subjects)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "console.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, change := range []string{"UPDATE act SET who = 'nobody'", "DELETE FROM act", "UPDATE act_result SET result = ''", "DELETE FROM act_result"} {
		if _, err := db.ExecContext(patient(t), change); err == nil || !strings.Contains(err.Error(), "never changed") {
			t.Errorf("%s: %v", change, err)
		}
	}
}

func TestAFileOfSomethingElseIsLeftAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ make, why string }{
		"other": {"CREATE TABLE cookies (a)", "another program"},
		"newer": {"PRAGMA application_id = 0x486b436f; PRAGMA user_version = 1000", "run the Hookline that wrote it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			db, err := sql.Open("sqlite", filepath.Join(dir, "console.db"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.ExecContext(patient(t), c.make); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := jobs.Open(dir, jobs.Parts{}); err == nil || !strings.Contains(err.Error(), c.why) {
				t.Errorf("opened: %v", err)
			}
		})
	}
}
