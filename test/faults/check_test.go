package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hookline/hookline/test/faults/load"
	"github.com/hookline/hookline/test/faults/system"
)

func TestExportedFilesAreComparedWithSentEvents(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file    string
		content []byte
		problem string
	}{
		"whole":       {"refuse-main-000001.json", load.Body("refuse-main-000001"), ""},
		"cut":         {"refuse-main-000001.json", load.Body("refuse-main-000001")[:20], "torn"},
		"another's":   {"refuse-main-000001.json", load.Body("refuse-main-000002"), "torn"},
		"empty":       {"refuse-main-000001.json", nil, "torn"},
		"left behind": {".hookline-00.part", nil, "should not be there"},
		"elsewhere":   {"spool-main-000001.json", load.Body("spool-main-000001"), "should not be there"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tried := &trial{System: &system.System{Export: &system.Folder{Path: t.TempDir()}}}
			folder := filepath.Join(tried.exported(), "refuse")
			if err := os.MkdirAll(folder, 0o750); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, c.file), c.content, 0o600); err != nil {
				t.Fatal(err)
			}
			var r result
			whole := tried.files(&r)
			if problems := strings.Join(r.problems, "\n"); c.problem == "" && problems != "" || !strings.Contains(problems, c.problem) {
				t.Errorf("problems: %q", problems)
			}
			if whole["refuse-main-000001"] != (c.problem == "") {
				t.Errorf("whole: %v", whole)
			}
		})
	}
}
