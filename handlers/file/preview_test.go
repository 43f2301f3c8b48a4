package file_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hookline/hookline/handlers/file"
	"github.com/hookline/hookline/pkg/handler"
)

func TestAPreviewNamesTheFilesThatHandleWrites(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "export")
	h := newHandler(t, file.Config{Dir: dir, Path: "{source}/{date}/{id}{ext}", Metadata: true})
	d := delivery("a b", `{"n":1}`)
	p, err := handler.PreviewOf(t.Context(), h, d)
	if err != nil || len(p.Parts) != 3 || len(p.Unknown) != 0 {
		t.Fatalf("%+v, %v", p, err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the preview made the folder: %v", err)
	}
	handle(t, h, d)
	for name, want := range map[string]string{p.Parts[0].Text: p.Parts[1].Text, p.Parts[0].Text + ".meta.json": p.Parts[2].Text} {
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v; the preview has %q", name, got, err, want)
		}
	}
}
