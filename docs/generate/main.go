// Command generate writes the pages of docs/reference that follow from the code, or the man pages:
//
//	go run ./docs/generate            # docs/reference/*.md, from the top of the repository
//	go run ./docs/generate man DIR    # DIR/hookline*.1
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra/doc"

	"github.com/hookline/hookline/cli"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 0:
		return writePages("docs/reference")
	case len(args) == 2 && args[0] == "man":
		return writeManPages(args[1])
	}
	return errors.New("usage: generate [man DIR]")
}

// pages returns the text of each generated page of docs/reference by its file name.
func pages() map[string]string {
	return map[string]string{
		"commands.md": commands(cli.Program{}.Command()),
	}
}

func writePages(dir string) error {
	for name, text := range pages() {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// writeManPages writes one page for each command. $SOURCE_DATE_EPOCH sets their date, so that a release can be built twice
// with the same bytes.
func writeManPages(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root := cli.Program{}.Command()
	root.DisableAutoGenTag = true
	return doc.GenManTree(root, &doc.GenManHeader{Title: "HOOKLINE", Section: "1", Source: "Hookline", Manual: "Hookline"}, dir)
}
