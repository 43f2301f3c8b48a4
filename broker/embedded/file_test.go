package embedded_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap/zaptest"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
)

// expectRefusal shows that the broker at path cannot be opened, and that the error has each of the words.
func expectRefusal(t *testing.T, cfg embedded.Config, words ...string) {
	t.Helper()
	sqlite, err := embedded.Open(cfg, prometheus.NewRegistry(), zaptest.NewLogger(t))
	if err == nil {
		shut(t, sqlite)
		t.Fatal("the broker was opened")
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not say %q", err, word)
		}
	}
}

func TestASecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "line.db")}
	first := open(t, cfg)
	expectRefusal(t, cfg, cfg.Path, fmt.Sprintf("process already (%d)", os.Getpid()), "stop that process")
	publishAll(t, first, 1)
}

func TestTheFileIsFreeAfterClose(t *testing.T) {
	t.Parallel()
	cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(1)}}
	for range 3 {
		sqlite := openOnce(t, cfg)
		publishAll(t, sqlite, 1)
		shut(t, sqlite)
	}
	handle(t, open(t, cfg), archive(1), 3)
}

func TestPathsWithSpecialCharacters(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a?b=c#d %41", "new", "line é.db")
	sqlite := open(t, embedded.Config{Path: path})
	publishAll(t, sqlite, 1)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("mode %o, want 600", mode)
	}
}

func TestDamagedFilesAreRefusedAndUnchanged(t *testing.T) {
	t.Parallel()
	whole := filepath.Join(t.TempDir(), "line.db")
	sqlite := openOnce(t, embedded.Config{Path: whole})
	publishAll(t, sqlite, 500)
	shut(t, sqlite)
	good, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"garbage":     []byte(strings.Repeat("this is no database ", 1000)),
		"torn":        good[:len(good)/2/4096*4096],
		"torn page":   good[:len(good)-1000],
		"zeroed":      append(append([]byte(nil), good[:8192]...), make([]byte, len(good)-8192)...),
		"overwritten": append(append([]byte(nil), good[:8192]...), []byte(strings.Repeat("\xff\x00", (len(good)-8192)/2))...),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "line.db")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			expectRefusal(t, embedded.Config{Path: path}, path, "is damaged", "backup")
			if after, err := os.ReadFile(path); err != nil || string(after) != string(content) {
				t.Errorf("the file was changed: %v", err)
			}
		})
	}
}

func TestADatabaseOfAnotherProgramIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "theirs.db")
	if _, err := database(t, path).ExecContext(t.Context(), "CREATE TABLE precious (x); INSERT INTO precious VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(path)
	expectRefusal(t, embedded.Config{Path: path}, "another program", "Choose another file")
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Error("the file was changed")
	}
}

func TestALaterVersionIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "line.db")
	shut(t, openOnce(t, embedded.Config{Path: path}))
	if _, err := database(t, path).ExecContext(t.Context(), "PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	expectRefusal(t, embedded.Config{Path: path}, "version 99", "version 7")
}

func TestAnEmptyFileBecomesABroker(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "line.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	publishAll(t, open(t, embedded.Config{Path: path}), 1)
}

func TestAFolderThatCannotBeWrittenIsNamed(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	expectRefusal(t, embedded.Config{Path: filepath.Join(file, "line.db")}, "make its folder", "not a directory")
	if os.Getuid() == 0 {
		t.Skip("nothing is read-only for root")
	}
	folder := filepath.Join(t.TempDir(), "read-only")
	if err := os.Mkdir(folder, 0o500); err != nil {
		t.Fatal(err)
	}
	expectRefusal(t, embedded.Config{Path: filepath.Join(folder, "line.db")}, "give this user write access")
}

func TestConfigNamesEveryBadField(t *testing.T) {
	t.Parallel()
	bad := embedded.Config{MaxBytes: 5, Routes: []broker.Route{{Name: "Bad"}, archive(1), archive(1)}}
	expectRefusal(t, bad, "path", "5 bytes", `route "Bad"`, "match is empty", `"archive" exists twice`)
	if _, err := embedded.Attach(bad); err == nil {
		t.Error("Attach took it")
	}
}
