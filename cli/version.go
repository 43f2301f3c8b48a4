package cli

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// build says which code a program was built from.
type build struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Commit   string `json:"commit,omitempty"`   // empty where the build had no git checkout
	Date     string `json:"date,omitempty"`     // of the commit, RFC 3339
	Modified bool   `json:"modified,omitempty"` // files in the checkout differed from the commit
}

// build prefers the program's own version to the one of a module that `go install` fetched.
func (p Program) build() build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return buildOf(p.Version, info)
}

func buildOf(version string, info *debug.BuildInfo) build {
	b := build{Go: runtime.Version()}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Date = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	installed := info.Main.Version
	if b.Commit != "" || installed == "(devel)" { // then Go made it up, as in v0.0.0-20261129010203-1a2b3c4d5e6f
		installed = ""
	}
	b.Version = cmp.Or(version, installed, "dev")
	return b
}

func (b build) String() string {
	text := "hookline " + b.Version + " ("
	if b.Commit != "" {
		text += "commit " + b.Commit
		if b.Modified {
			text += " with changes"
		}
		text += ", " + b.Date + ", "
	}
	return fmt.Sprintf("%s%s, %s/%s)", text, b.Go, runtime.GOOS, runtime.GOARCH)
}

func (c *command) version() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "version",
		GroupID: "setup",
		Short:   "Print version, commit and date of this program",
		Example: "  hookline version",
		Args:    args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			b := c.program.build()
			if asJSON {
				return c.json(b)
			}
			fmt.Fprintln(c.stdout, b)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}
