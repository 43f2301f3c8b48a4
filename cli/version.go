package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

func (c *command) version() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "version",
		GroupID: "setup",
		Short:   "Print the version",
		Args:    args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return c.json(map[string]string{"version": c.program.Version, "go": runtime.Version()})
			}
			fmt.Fprintf(c.stdout, "hookline %s (%s, %s/%s)\n", c.program.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}
