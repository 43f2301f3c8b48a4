package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strings"
)

// source is one Go file, measured.
type source struct {
	path      string
	generated bool
	test      bool // a _test.go file
	lines     int
	nonBlank  int
	functions []span
	exported  int
	comments  language
}

// span is a function or a file with its length in lines.
type span struct {
	name string
	path string
	line int
	size int
}

// readSource measures a Go file. A function's length goes from "func" to its closing brace, without its comment;
// functions without a name count as lines of the function around them.
func readSource(path string, text []byte) (source, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return source{}, err
	}
	s := source{path: path, generated: ast.IsGenerated(file), test: strings.HasSuffix(path, "_test.go")}
	for l := range strings.Lines(string(text)) {
		s.lines++
		if strings.TrimSpace(l) != "" {
			s.nonBlank++
		}
	}
	for _, decl := range file.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok {
			from, to := fset.Position(fn.Pos()), fset.Position(fn.End())
			s.functions = append(s.functions, span{functionName(fn), path, from.Line, to.Line - from.Line + 1})
		}
	}
	if file.Name.Name != "main" && !s.test {
		s.exported = exportedNames(file)
	}
	for _, group := range file.Comments {
		if lines := commentLines(fset, group); len(lines) > 0 {
			s.comments.read(path, lines)
		}
	}
	return s, nil
}

func functionName(fn *ast.FuncDecl) string {
	if r := receiverType(fn); r != "" {
		return r + "." + fn.Name.Name
	}
	return fn.Name.Name
}

// receiverType returns the name of the type whose method fn is, or "".
func receiverType(fn *ast.FuncDecl) string {
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return ""
	}
	t := fn.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

// exportedNames counts constants, variables, types, functions, and methods of exported types. Fields and the methods of
// interfaces are not counted.
func exportedNames(file *ast.File) int {
	n := 0
	count := func(name string) {
		if ast.IsExported(name) {
			n++
		}
	}
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if r := receiverType(d); r == "" || ast.IsExported(r) {
				count(d.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch sp := spec.(type) {
				case *ast.TypeSpec:
					count(sp.Name.Name)
				case *ast.ValueSpec:
					for _, name := range sp.Names {
						count(name.Name)
					}
				}
			}
		}
	}
	return n
}

var directive = regexp.MustCompile(`^//(nolint|[a-z0-9]+:[a-z0-9]|line )`)

// commentLines returns the prose of a comment, without directives and the code blocks of doc comments.
func commentLines(fset *token.FileSet, group *ast.CommentGroup) []line {
	var lines []line
	for _, c := range group.List {
		first := fset.Position(c.Pos()).Line
		if directive.MatchString(c.Text) {
			continue
		}
		if text, ok := strings.CutPrefix(c.Text, "//"); ok {
			if !isCode(text) {
				lines = append(lines, line{first, text})
			}
			continue
		}
		text := strings.TrimSuffix(strings.TrimPrefix(c.Text, "/*"), "*/")
		for i, s := range strings.Split(text, "\n") {
			lines = append(lines, line{first + i, s})
		}
	}
	return lines
}

// isCode reports whether a line of a doc comment, after its slashes, belongs to a code block: indented, and no item of a
// list.
func isCode(text string) bool {
	if strings.HasPrefix(text, "\t") {
		return true
	}
	rest := strings.TrimLeft(text, " ")
	return len(text)-len(rest) >= 6
}
