package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

const module = "github.com/hookline/hookline/"

// comments reads the doc comments of types and their fields.
type comments struct {
	root  string            // the top of the repository
	texts map[string]string // by "package.Type" and "package.Type.Field"; "package" for a package that was read
}

// of returns the comment of a type, or of its field, as a description: without the name that it begins with.
func (c comments) of(t reflect.Type, field string) string {
	if _, done := c.texts[t.PkgPath()]; !done {
		c.read(t.PkgPath())
	}
	key, name := t.PkgPath()+"."+t.Name(), t.Name()
	if field != "" {
		key, name = key+"."+field, field
	}
	return describe(c.texts[key], name)
}

// describe makes "the ..." of "Name is the ...", and "reads ..." of "Name reads ...".
func describe(text, name string) string {
	rest, ok := strings.CutPrefix(strings.Join(strings.Fields(text), " "), name+" ")
	if !ok {
		return ""
	}
	for _, verb := range []string{"is ", "are "} {
		if after, cut := strings.CutPrefix(rest, verb); cut {
			rest = after
			break
		}
	}
	if !strings.HasSuffix(rest, "...") {
		rest = strings.TrimSuffix(rest, ".")
	}
	return rest
}

// capital makes the first letter a capital, unless the first word is one of the key's values.
func capital(text string, values ...any) string {
	first := strings.TrimRight(strings.Fields(text)[0], ",:")
	for _, value := range values {
		if value == first {
			return text
		}
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

func (c comments) read(pkg string) {
	c.texts[pkg] = ""
	dir := filepath.Join(c.root, strings.TrimPrefix(pkg, module))
	files, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil || strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.ParseComments)
		if err != nil {
			continue // it does not compile either
		}
		for _, decl := range parsed.Decls {
			group, ok := decl.(*ast.GenDecl)
			if !ok || group.Tok != token.TYPE {
				continue
			}
			for _, spec := range group.Specs {
				c.add(pkg, group, spec.(*ast.TypeSpec))
			}
		}
	}
}

func (c comments) add(pkg string, group *ast.GenDecl, spec *ast.TypeSpec) {
	key := pkg + "." + spec.Name.Name
	c.texts[key] = group.Doc.Text()
	structure, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, field := range structure.Fields.List {
		for _, name := range field.Names {
			c.texts[key+"."+name.Name] = field.Doc.Text()
		}
	}
}
