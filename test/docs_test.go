package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestHandlersPageShowsTheProgramThatCompiles keeps the page's example and the compiled one the same text.
func TestHandlersPageShowsTheProgramThatCompiles(t *testing.T) {
	t.Parallel()
	page, program := read(t, "../docs/handlers.md"), read(t, "../docs/custom/main.go")
	if !strings.Contains(page, "```go\n"+program+"```") {
		t.Error("docs/handlers.md does not show docs/custom/main.go as it is: copy it there")
	}
}

func TestACustomBuildKnowsItsOwnHandler(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	custom := filepath.Join(dir, "custom")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", custom, "../docs/custom").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for config, want := range map[string]string{
		"{ kind: greet, name: World }": "ok: 1 sources, 1 routes",
		"{ kind: greet }":              "ok: 1 sources, 1 routes",
		`{ kind: greet, name: "" }`:    "name is empty",
		"{ kind: greet, nam: World }":  "nam",
		"{ kind: fil }":                "there are exec, file, greet, http, log, notify, reconcile, transfer",
	} {
		file := filepath.Join(dir, "hookline.yml")
		text := "sources: { alma: { preset: alma, secrets: first } }\nroutes: { hello: { match: '#', handler: " + config + " } }\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, _ := exec.CommandContext(t.Context(), custom, "config", "check", file).CombinedOutput()
		if !strings.Contains(string(out), want) {
			t.Errorf("%s: no %q in %s", config, want, out)
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
