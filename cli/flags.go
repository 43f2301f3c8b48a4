package cli

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"
)

func jsonFlag(cmd *cobra.Command, into *bool) {
	cmd.Flags().BoolVar(into, "json", false, "print JSON")
}

func limitFlag(cmd *cobra.Command, into *int) {
	countFlag(cmd, into, "limit", "", 100, "show at most this many")
}

// countFlag adds a flag for a number of at least 1.
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
		return errors.New("must be a number of at least 1")
	}
	*v = countValue(n)
	return nil
}

// parseURL parses the value of --url.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, usage(fmt.Errorf("--url %q: begin the URL with https:// or http://, as in https://hooks.example.org or http://localhost:8080", text))
	}
	return u, nil
}
