package file

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hookline/hookline/pkg/event"
)

// openFolder returns a folder of a new temporary folder, and the names that it makes durable.
func openFolder(t *testing.T) (f folder, dir string, synced *[]string) {
	t.Helper()
	dir, synced = t.TempDir(), new([]string)
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	f = newFolder(root)
	durably := f.sync
	f.sync = func(name string) error {
		*synced = append(*synced, name)
		return durably(name)
	}
	return f, dir, synced
}

// names returns the names in a folder, hidden ones too.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

var errNoLinks = &os.LinkError{Op: "link", Err: syscall.EPERM}

func TestWithoutHardLinksAFileIsRenamedAndReplacesNone(t *testing.T) {
	t.Parallel()
	f, dir, synced := openFolder(t)
	f.link = func(string, string) error { return errNoLinks }
	for _, body := range []string{"one", "one", "two"} {
		if _, err := f.put("42", []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	got := names(t, dir)
	if len(got) != 2 || got[0] != "42" {
		t.Errorf("%v", got)
	}
	if body, err := os.ReadFile(filepath.Join(dir, "42")); string(body) != "one" || err != nil {
		t.Errorf("%q, %v", body, err)
	}
	// The first is new, the second is there already, and the third gets a name of its own.
	if want := []string{".", "42", ".", "."}; !slices.Equal(*synced, want) {
		t.Errorf("made durable: %v, not %v", *synced, want)
	}
}

func TestAFileThatCannotGetItsNameIsAnError(t *testing.T) {
	t.Parallel()
	f, _, _ := openFolder(t)
	if done, err := f.place("missing/42", []byte("x")); done || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, %v", done, err)
	}
}

func TestEachFileIsDurableBeforeItIsDone(t *testing.T) {
	t.Parallel()
	f, dir, synced := openFolder(t)
	for range 2 {
		if _, err := f.put("42", []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{".", "42", "."}; !slices.Equal(*synced, want) {
		t.Errorf("made durable: %v, not %v: the name, and for the repeat the content and the name", *synced, want)
	}
	failed := errors.New("the disk failed")
	link := f.link
	for _, c := range []struct {
		name  string
		fails string // to become durable
		link  func(string, string) error
	}{{"new", ".", link}, {"renamed", ".", func(string, string) error { return errNoLinks }}, {"42", ".", link}, {"42", "42", link}} {
		f.link = c.link
		f.sync = func(name string) error {
			if name == c.fails {
				return failed
			}
			return nil
		}
		if _, err := f.put(c.name, []byte("x")); !errors.Is(err, failed) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	// A pipe cannot be made durable.
	pipe := filepath.Join(dir, partName("piped", []byte("x")))
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close() })
	if _, err := f.put("piped", []byte("x")); err == nil || slices.Contains(names(t, dir), "piped") {
		t.Errorf("got a name before its content was durable: %v", err)
	}
}

func TestPartsOfTwoEventsHaveTwoNames(t *testing.T) {
	t.Parallel()
	part := partName("a", []byte("bc"))
	if part != partName("a", []byte("bc")) || part[0] != '.' {
		t.Errorf("%s", part)
	}
	for _, c := range []struct{ name, body string }{{"ab", "c"}, {"a", "bd"}, {"b", "bc"}, {"a\x00b", "c"}} {
		if part == partName(c.name, []byte(c.body)) {
			t.Errorf("%v has the name of another part", c)
		}
	}
}

func TestOnlyAFileWithTheSameContentIsTheEvents(t *testing.T) {
	t.Parallel()
	f, dir, _ := openFolder(t)
	for name, body := range map[string]string{"same": "body", "longer": "body and more", "shorter": "bod", "other": "BODY", "empty": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		if holds, err := f.holds(name, []byte("body")); holds != (name == "same") || err != nil {
			t.Errorf("%s: %v, %v", name, holds, err)
		}
	}
	if err := errors.Join(os.Symlink("same", filepath.Join(dir, "link")), os.Mkdir(filepath.Join(dir, "folder"), 0o700)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"link", "folder"} {
		if holds, err := f.holds(name, []byte("body")); holds || err != nil {
			t.Errorf("%s: %v, %v", name, holds, err)
		}
	}
	if holds, err := f.holds("missing", nil); holds || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v, %v", holds, err)
	}
}

func TestFilesAreHiddenFromOtherUsers(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	dir := filepath.Join(data, "made")
	h, err := New(Config{Dir: dir, Path: "{source}/{id}", Metadata: true}, data)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Handle(t.Context(), event.Delivery{Event: event.Event{ID: "42", Source: "alma", Data: []byte("x")}}); err != nil {
		t.Fatal(err)
	}
	seen := 0
	err = filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o027 != 0 {
			t.Errorf("%s has the mode %v", name, info.Mode())
		}
		seen++
		return err
	})
	if err != nil || seen != 4 {
		t.Errorf("%d files and folders, %v", seen, err)
	}
}

func TestWhenBothNamesAreTakenTheErrorNamesTheFile(t *testing.T) {
	t.Parallel()
	f, dir, _ := openFolder(t)
	if err := os.Mkdir(filepath.Join(dir, "42"), 0o700); err != nil {
		t.Fatal(err)
	}
	name, err := f.put("42", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(filepath.Join(dir, name)), os.Mkdir(filepath.Join(dir, name), 0o700)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.put("42", []byte("x")); err == nil || !strings.Contains(err.Error(), "42") {
		t.Errorf("%v", err)
	}
	if got := names(t, dir); len(got) != 2 {
		t.Errorf("a part is left: %v", got)
	}
}

// TestAPartThatCannotBeWrittenIsNoFile has a folder in the place of the part: it must not get the event's name instead of it.
func TestAPartThatCannotBeWrittenIsNoFile(t *testing.T) {
	t.Parallel()
	for name, link := range map[string]func(string, string) error{"with links": nil, "without": func(string, string) error { return errNoLinks }} {
		f, dir, _ := openFolder(t)
		if link != nil {
			f.link = link
		}
		body := []byte("one")
		if err := os.Mkdir(filepath.Join(dir, partName("42", body)), 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := f.put("42", body); err == nil {
			t.Errorf("%s: an event that is not written is done", name)
		}
		if _, err := os.Lstat(filepath.Join(dir, "42")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNoFolderStaysOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h, err := New(Config{Dir: dir, Path: "{source}/{id}"}, dir)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := h.Handle(t.Context(), event.Delivery{Event: event.Event{ID: "1", Source: "alma", Data: []byte("{}")}}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("this system does not list open files")
	}
	for _, fd := range all {
		if name, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && strings.HasPrefix(name, dir) {
			t.Errorf("%s is open", name)
		}
	}
}
