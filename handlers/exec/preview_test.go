package exec_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hookline/hookline/pkg/handler"
)

func TestAPreviewIsTheCommandWithItsVariablesAndInput(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "out")
	h := shell(t, `cat > "$OUT"; env | grep ^HOOKLINE_ > "$OUT.env"`, "OUT", out, "TOKEN", "s3cret")
	d := delivery("line\n\xff")
	p, err := handler.PreviewOf(t.Context(), h, d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("the preview ran the program: %v", err)
	}
	if err := h.Handle(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	parts := map[string]string{}
	for _, part := range p.Parts {
		parts[part.Name] = part.Text
		if strings.Contains(part.Text, "s3cret") && !part.Secret {
			t.Errorf("%s shows a variable of the configuration", part.Name)
		}
	}
	body, err := os.ReadFile(out)
	if err != nil || string(body) != parts["stdin"] {
		t.Errorf("%q, %v; the preview has %q", body, err, parts["stdin"])
	}
	env, err := os.ReadFile(out + ".env")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(env)) {
		if !strings.Contains(parts["variables"]+"\n", line) {
			t.Errorf("%q is not in the preview %q", line, parts["variables"])
		}
	}
	if !strings.HasPrefix(parts["command"], `"sh" "-c" "cat`) || len(p.Unknown) != 1 {
		t.Errorf("%+v", p)
	}
}
