package cli

import (
	"encoding/json"

	"github.com/spf13/cobra"
)

func jsonFlag(cmd *cobra.Command, into *bool) {
	cmd.Flags().BoolVar(into, "json", false, "print JSON, for programs")
}

func limitFlag(cmd *cobra.Command, into *int) {
	cmd.Flags().IntVar(into, "limit", 100, "show at most this many")
}

func (c *command) json(v any) error {
	enc := json.NewEncoder(c.stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
