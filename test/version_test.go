package test

import (
	"debug/buildinfo"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestVersionNamesTheBuild compares the output with Go's notes in the binary. They name a commit if the tests run in a git
// checkout.
func TestVersionNamesTheBuild(t *testing.T) {
	t.Parallel()
	release := filepath.Join(t.TempDir(), "hookline")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-X main.version=1.2.3", "-o", release, "../cmd/hookline").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	info, err := buildinfo.ReadFile(release)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"version": "1.2.3", "go": info.GoVersion}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			want["commit"] = s.Value
		case "vcs.time":
			want["date"] = s.Value
		}
	}
	out, err := exec.CommandContext(t.Context(), release, "version", "--json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s: %v, want %s", key, got[key], value)
		}
	}
	text, err := exec.CommandContext(t.Context(), release, "version").Output()
	if err != nil || !strings.HasPrefix(string(text), "hookline 1.2.3 (") || !strings.Contains(string(text), want["commit"]) || !strings.Contains(string(text), want["date"]) {
		t.Errorf("%s, %v; want %v", text, err, want)
	}
}
