package durable_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hookline/hookline/pkg/durable"
)

// watched is a folder that records the names that are opened in it, to be made durable.
type watched struct {
	*os.Root
	opened []string
}

func (w *watched) Open(name string) (*os.File, error) {
	w.opened = append(w.opened, name)
	return w.Root.Open(name)
}

func watch(t *testing.T) (w *watched, dir string) {
	t.Helper()
	dir = t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return &watched{Root: root}, dir
}

func TestTheNamesOfNewFoldersAreDurable(t *testing.T) {
	t.Parallel()
	w, dir := watch(t)
	for _, step := range []struct {
		name   string
		synced []string
	}{
		{"a", []string{"."}},
		{"a", nil}, // it exists
		{"a/b/c", []string{"a", "a/b"}},
		{"a/b/c/d", []string{"a/b/c"}},
		{".", nil},
	} {
		w.opened = nil
		if err := durable.MkdirAll(w, step.name, 0o700); err != nil || !slices.Equal(w.opened, step.synced) {
			t.Errorf("%s: %v; made durable: %v, want %v", step.name, err, w.opened, step.synced)
		}
		if info, err := os.Stat(filepath.Join(dir, step.name)); err != nil || !info.IsDir() || info.Mode().Perm()&0o077 != 0 && step.name != "." {
			t.Errorf("%s: %v, %v", step.name, info, err)
		}
	}
}

func TestAFolderThatCannotBeMadeIsAnError(t *testing.T) {
	t.Parallel()
	w, dir := watch(t)
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"file/a", "file/a/b", "../a"} {
		if err := durable.MkdirAll(w, name, 0o700); err == nil {
			t.Errorf("%s is made", name)
		}
	}
	if err := durable.MkdirAll(durable.OS{}, filepath.Join(dir, "x", "y"), 0o700); err != nil {
		t.Error(err)
	}
}

// unsynced is a folder that cannot be opened to make its own names durable.
type unsynced struct{ *os.Root }

func (u unsynced) Open(name string) (*os.File, error) {
	if name == "." {
		return nil, fs.ErrPermission
	}
	return u.Root.Open(name)
}

func TestAParentThatIsNotDurableIsAnError(t *testing.T) {
	t.Parallel()
	w, _ := watch(t)
	if err := durable.MkdirAll(unsynced{w.Root}, "a/b", 0o700); !errors.Is(err, fs.ErrPermission) {
		t.Error(err)
	}
}

func TestSyncNeedsItsFile(t *testing.T) {
	t.Parallel()
	w, _ := watch(t)
	if err := durable.Sync(w, "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := durable.Sync(w, "."); err != nil {
		t.Error(err)
	}
	if err := durable.Sync(closed{}, "x"); err == nil {
		t.Error("a file that cannot be synced is durable")
	}
}

// closed returns files that are closed already, as one whose disk is gone.
type closed struct{ durable.OS }

func (closed) Open(string) (*os.File, error) {
	f, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	return f, f.Close()
}
