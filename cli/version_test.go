package cli

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestVersionComesFromReleaseModuleOrCheckout(t *testing.T) {
	t.Parallel()
	checkout := debug.BuildInfo{
		Main: debug.Module{Version: "v0.0.0-20261129010203-1a2b3c4d5e6f+dirty"},
		Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "1a2b3c4d5e6f"}, {Key: "vcs.time", Value: "2026-11-29T01:02:03Z"}, {Key: "vcs.modified", Value: "true"},
		},
	}
	platform := runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH + ")"
	for _, c := range []struct {
		name, version string
		info          debug.BuildInfo
		want          string
	}{
		{"release", "0.1.0", checkout, "hookline 0.1.0 (commit 1a2b3c4d5e6f with changes, 2026-11-29T01:02:03Z, " + platform},
		{"checkout", "", checkout, "hookline dev (commit 1a2b3c4d5e6f with changes, 2026-11-29T01:02:03Z, " + platform},
		{"go install", "", debug.BuildInfo{Main: debug.Module{Version: "v0.1.0"}}, "hookline v0.1.0 (" + platform},
		{"no git", "", debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "hookline dev (" + platform},
	} {
		if got := buildOf(c.version, &c.info).String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
