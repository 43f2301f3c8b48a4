package file_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hookline/hookline/handlers/file"
)

// erase erases the picked files, and returns the names of all visited ones below dir with the ID that each shows.
func erase(t *testing.T, cfg file.Config, pick func(file.Exported) bool, want int) (visited []string) {
	t.Helper()
	h, ok := newHandler(t, cfg).(*file.Handler)
	if !ok {
		t.Fatal("another handler")
	}
	removed, err := h.Erase(t.Context(), func(x file.Exported) bool {
		rel, err := filepath.Rel(cfg.Dir, x.Name)
		if err != nil {
			t.Error(err)
		}
		visited = append(visited, rel+" "+x.ID)
		return pick(x)
	})
	if removed != want || err != nil {
		t.Errorf("removed %d, want %d: %v", removed, want, err)
	}
	slices.Sort(visited)
	return visited
}

func none(file.Exported) bool { return false }
func all(file.Exported) bool  { return true }

func TestEraseFindsTheFilesOfEveryPath(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"", "{id}", "{id}{ext}", "{id}.json", "{id}/{id}-{time}{ext}", "{source}-{id}.body", "{year}/{month}/{day}/{hour}/{route}.{key}.{id}{ext}", "a+b.c/{id}",
	} {
		cfg := file.Config{Dir: t.TempDir(), Path: path, Metadata: true}
		h := newHandler(t, cfg)
		ids := []string{"4711", "a/b c", ".hidden", "con", "x.meta.json", strings.Repeat("long", 100), "ä", "a-0123456789abcdef"}
		for _, id := range ids {
			for _, body := range []string{"one", "two"} {
				handle(t, h, delivery(id, body))
			}
		}
		d := delivery("packed", "\x1f\x8b")
		d.Event.Header = map[string]string{"Content-Encoding": "gzip"}
		handle(t, h, d)
		before := files(t, cfg.Dir)
		visited := erase(t, cfg, none, 0)
		if len(visited) != 2*len(ids)+1 || len(before) != 2*len(visited) {
			t.Errorf("%q: visited %q of %d files", path, visited, len(before))
		}
		if joined := strings.Join(visited, "\n") + "\n"; strings.Count(joined, " 4711\n") != 2 {
			t.Errorf("%q: the IDs of %s", path, joined)
		}
		if after := files(t, cfg.Dir); len(after) != len(before) {
			t.Errorf("%q: a look changed %v", path, after)
		}
		erase(t, cfg, func(x file.Exported) bool { return x.ID == "4711" && string(x.Body) == "one" }, 1)
		if after := files(t, cfg.Dir); len(after) != len(before)-2 {
			t.Errorf("%q: %v", path, after)
		}
		erase(t, cfg, all, len(visited)-1)
		if after := files(t, cfg.Dir); len(after) != 0 {
			t.Errorf("%q: left %v", path, after)
		}
		handle(t, h, delivery("4711", "again"))
	}
}

// Files of others can be in the folder: the handler's folder can even be the data folder.
func TestEraseLeavesOtherFilesAlone(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	cfg := file.Config{Dir: dir}
	handle(t, newHandler(t, cfg), delivery("4711", "{}"))
	mine := []string{"line.db", "alma/notes.txt", "alma/loan.loan_created/notes/4711.json", "alma/loan.loan_created/2026-11-21/4711.doc", "alma/a/2026-11-21/deeper/4711.json", "spool/name"}
	for _, name := range append(mine, filepath.Join(outside, "2026-11-21", "4711.json")) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte("4711"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Symlink(outside, filepath.Join(dir, "alma", "linked")), os.Symlink(filepath.Join(outside, "2026-11-21", "4711.json"), filepath.Join(dir, "alma", "loan.loan_created", "2026-11-21", "1.json"))); err != nil {
		t.Fatal(err)
	}
	if visited := erase(t, cfg, all, 1); !slices.Equal(visited, []string{"alma/loan.loan_created/2026-11-21/4711.json 4711"}) {
		t.Errorf("visited %q", visited)
	}
	for _, name := range mine {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if got := files(t, outside); len(got) != 1 {
		t.Errorf("outside: %v", got)
	}
}

func TestEraseTakesPartsMetadataAndFoldersOfAnEvent(t *testing.T) {
	t.Parallel()
	cfg := file.Config{Dir: t.TempDir(), Path: "{source}/{id}/body{ext}", Metadata: true}
	handle(t, newHandler(t, cfg), delivery("4711", "{}"))
	handle(t, newHandler(t, cfg), delivery("4712", "{}"))
	in := filepath.Join(cfg.Dir, "alma")
	torn := filepath.Join(in, "4711", file.PartName("body.json", []byte("{}")))
	if err := errors.Join(os.WriteFile(torn, []byte(`{"a`), 0o600), os.Remove(filepath.Join(in, "4712", "body.json"))); err != nil {
		t.Fatal(err)
	}
	var parts, orphans int
	erase(t, cfg, func(x file.Exported) bool {
		if x.Name == torn {
			parts++
		}
		if x.Body == nil && strings.Contains(string(x.Metadata), "4712") {
			orphans++
		}
		return true
	}, 3)
	if parts != 1 || orphans != 1 {
		t.Errorf("%d parts, %d metadata alone", parts, orphans)
	}
	if entries, err := os.ReadDir(in); err != nil || len(entries) != 0 {
		t.Errorf("left %v: %v", entries, err)
	}
}

func TestAnInterruptedEraseSaysHowManyItRemoved(t *testing.T) {
	t.Parallel()
	cfg := file.Config{Dir: t.TempDir()}
	made := newHandler(t, cfg)
	for i := range 3 {
		handle(t, made, delivery(fmt.Sprint(i), "{}"))
	}
	h, _ := made.(*file.Handler)
	ctx, interrupt := context.WithCancel(t.Context())
	removed, err := h.Erase(ctx, func(file.Exported) bool { interrupt(); return true })
	if removed != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("removed %d: %v", removed, err)
	}
	erase(t, cfg, all, 2)
}

func TestEraseNamesWhatItCannotReadAndGoesOn(t *testing.T) {
	t.Parallel()
	cfg := file.Config{Dir: t.TempDir(), Path: "{id}"}
	made := newHandler(t, cfg)
	for _, id := range []string{"a", "b", "c"} {
		handle(t, made, delivery(id, "{}"))
	}
	large := filepath.Join(cfg.Dir, "b")
	if err := os.Truncate(large, 257<<20); err != nil { // sparse
		t.Fatal(err)
	}
	h, _ := made.(*file.Handler)
	removed, err := h.Erase(t.Context(), all)
	if removed != 2 || err == nil || !strings.Contains(err.Error(), "b was not searched") {
		t.Errorf("removed %d: %v", removed, err)
	}
	gone, _ := newHandler(t, file.Config{Dir: filepath.Join(cfg.Dir, "missing")}).(*file.Handler)
	if _, err := gone.Erase(t.Context(), all); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a missing folder: %v", err)
	}
}
