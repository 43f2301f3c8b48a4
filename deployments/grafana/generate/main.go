// Command generate writes the Grafana dashboard: `go generate ./deployments/grafana/...`. Its content is in
// panels.go; Grafana's format is in grafana.go.
package main

import (
	"fmt"
	"os"
)

//go:generate go run . ../dashboards/hookline.json

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: generate FILE")
	}
	body, err := render(dashboard())
	if err != nil {
		return err
	}
	return os.WriteFile(args[0], body, 0o644)
}
