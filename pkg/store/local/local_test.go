package local_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hookline/hookline/pkg/store/local"
	"github.com/hookline/hookline/pkg/store/storetest"
)

func TestFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	location, err := local.New(local.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	storetest.Run(t, location, storetest.Files(os.DirFS(dir)))
}

func TestNothingLeavesTheFolder(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	location, err := local.New(local.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := location.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"../out.xml", "link/out.xml", "/out.xml"} {
		if err := conn.Put(t.Context(), name, strings.NewReader("x")); err == nil {
			t.Errorf("%s was written", name)
		}
	}
	if _, err := local.New(local.Config{}); err == nil {
		t.Error("no dir was accepted")
	}
}

func TestOthersCannotReadFiles(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "export")
	location, err := local.New(local.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := location.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Put(t.Context(), "loans/out.xml", strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "loans", "loans/out.xml"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode()&0o007 != 0 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}
