// Command generate writes the files that follow from the code, or the man pages:
//
//	go run ./docs/generate            # docs/reference/{commands,configuration}.md and app/config/schema.json, from the top of the repository
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
		return writeFiles(".")
	case len(args) == 2 && args[0] == "man":
		return writeManPages(args[1])
	}
	return errors.New("usage: generate [man DIR]")
}

// files returns the text of each generated file by its path in the repository, whose top is root.
func files(root string) map[string]string {
	g := newGenerator(root)
	return map[string]string{
		"app/config/schema.json":          schemaText(g),
		"docs/reference/commands.md":      commands(cli.Program{}.Command()),
		"docs/reference/configuration.md": configuration(root, g),
	}
}

func writeFiles(root string) error {
	for name, text := range files(root) {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
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
	return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "Hookline", Manual: "Hookline"}, dir)
}
