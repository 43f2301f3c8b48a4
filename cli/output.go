package cli

import (
	"encoding/json"
	"errors"
	"strconv"

	"github.com/spf13/cobra"
)

func jsonFlag(cmd *cobra.Command, into *bool) {
	cmd.Flags().BoolVar(into, "json", false, "print JSON, for programs")
}

func limitFlag(cmd *cobra.Command, into *int) {
	countFlag(cmd, into, "limit", "", 100, "show at most this many")
}

// countFlag is a flag for a number of things, which is at least 1.
func countFlag(cmd *cobra.Command, into *int, name, short string, usual int, usage string) {
	*into = usual
	cmd.Flags().VarP((*countValue)(into), name, short, usage)
}

// countValue is a pflag.Value.
type countValue int

func (v *countValue) String() string { return strconv.Itoa(int(*v)) }
func (*countValue) Type() string     { return "int" }

func (v *countValue) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return errors.New("it must be a number, at least 1")
	}
	*v = countValue(n)
	return nil
}

func (c *command) json(v any) error {
	enc := json.NewEncoder(c.stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
