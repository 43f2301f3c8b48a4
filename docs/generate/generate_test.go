package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFilesAreAsTheCodeSays(t *testing.T) {
	t.Parallel()
	for name, want := range files("../..") {
		got, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is stale: run `task docs`", name)
		}
	}
}

func TestEachCommandHasAManPage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := run([]string{"man", dir}); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"hookline.1": "Exit codes", "hookline-run.1": "hookline run", "hookline-config-check.1": "hookline config check"} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if plain := strings.ReplaceAll(string(text), `\-`, "-"); !strings.Contains(plain, want) {
			t.Errorf("%s does not contain %q", file, want)
		}
	}
}
