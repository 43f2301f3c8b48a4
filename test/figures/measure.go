package main

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// figures holds all that was measured below a folder, in the order of the paths.
type figures struct {
	sources []source
	docs    []document
}

// document is a Markdown file.
type document struct {
	path  string
	prose language
}

// measure reads all Go and Markdown files below root. Hidden folders, testdata, vendor, and generated Go code are left
// out. Paths are relative to root, with slashes.
func measure(root string) (figures, error) {
	var f figures
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name != root && leftOut(entry.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		return f.read(name, filepath.ToSlash(rel))
	})
	return f, err
}

func leftOut(folder string) bool {
	return strings.HasPrefix(folder, ".") || strings.HasPrefix(folder, "_") || slices.Contains([]string{"testdata", "vendor", "node_modules"}, folder)
}

func (f *figures) read(name, rel string) error {
	kind := path.Ext(rel)
	if kind != ".go" && kind != ".md" {
		return nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if kind == ".md" {
		f.docs = append(f.docs, document{rel, readMarkdown(rel, string(text))})
		return nil
	}
	s, err := readSource(rel, text)
	if err != nil {
		return err
	}
	if !s.generated {
		f.sources = append(f.sources, s)
	}
	return nil
}

// isTest reports whether a Go file is there for tests only: _test.go files, the folder test, and packages whose name
// ends in "test".
func isTest(s source) bool {
	dir := path.Dir(s.path)
	return s.test || dir == "test" || strings.HasPrefix(dir, "test/") || strings.HasSuffix(dir, "test")
}

// isChangelog reports whether a document is a list of changes, whose language is counted apart.
func isChangelog(d document) bool { return path.Base(d.path) == "CHANGELOG.md" }
