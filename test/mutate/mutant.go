package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// mutant is one change of one place in a file.
type mutant struct {
	pkg      goPackage
	file     string // absolute
	line     int
	function string
	kind     string
	from, to int // bytes of the file
	before   string
	after    string
}

// String returns the mutant as a line: place, kind, and the text before and after.
func (m mutant) String() string {
	return fmt.Sprintf("%s:%d: %s", relative(m.file), m.line, m.change())
}

// change describes the mutant without its line, so that the text stays when other lines move.
func (m mutant) change() string {
	return fmt.Sprintf("%s: %s: %s -> %s", m.function, m.kind, oneLine(m.before), oneLine(m.after))
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 70 {
		return string(r[:69]) + "…"
	}
	if s == "" {
		return "(nothing)"
	}
	return s
}

// apply returns the file's text with the change.
func (m mutant) apply() ([]byte, error) {
	text, err := os.ReadFile(m.file)
	if err != nil {
		return nil, err
	}
	return []byte(string(text[:m.from]) + m.after + string(text[m.to:])), nil
}

// findMutants returns every change of every file, in a fixed order.
func findMutants(packages []goPackage) ([]mutant, error) {
	var all []mutant
	for _, p := range packages {
		for _, name := range p.GoFiles {
			found, err := fileMutants(p, filepath.Join(p.Dir, name))
			if err != nil {
				return nil, err
			}
			all = append(all, found...)
		}
	}
	return all, nil
}

func fileMutants(p goPackage, path string) ([]mutant, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	if ast.IsGenerated(file) {
		return nil, nil
	}
	var found []mutant
	for _, decl := range file.Decls {
		name := "(declarations)"
		if fn, ok := decl.(*ast.FuncDecl); ok {
			name = functionName(fn)
		}
		for _, e := range edits(decl) {
			from, to := fset.Position(e.from).Offset, fset.Position(e.to).Offset
			found = append(found, mutant{
				pkg: p, file: path, line: fset.Position(e.from).Line, function: name, kind: e.kind,
				from: from, to: to, before: string(text[from:to]), after: e.replace(string(text[from:to])),
			})
		}
	}
	return found, nil
}

func functionName(fn *ast.FuncDecl) string {
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return fn.Name.Name
	}
	t := fn.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if generic, ok := t.(*ast.IndexExpr); ok {
		t = generic.X
	}
	if id, ok := t.(*ast.Ident); ok {
		return id.Name + "." + fn.Name.Name
	}
	return fn.Name.Name
}

// sample returns the mutants in the order of a seed. Each package has the same chance, so that a large package does not hide
// the others.
func sample(all []mutant, seed uint64) []mutant {
	random := rand.New(rand.NewPCG(seed, 0))
	byPackage := map[string][]mutant{}
	var names []string
	for _, m := range all {
		if byPackage[m.pkg.ImportPath] == nil {
			names = append(names, m.pkg.ImportPath)
		}
		byPackage[m.pkg.ImportPath] = append(byPackage[m.pkg.ImportPath], m)
	}
	for _, name := range names {
		list := byPackage[name]
		random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	var mixed []mutant
	for len(names) > 0 {
		at := random.IntN(len(names))
		list := byPackage[names[at]]
		mixed = append(mixed, list[0])
		if byPackage[names[at]] = list[1:]; len(list) == 1 {
			names = append(names[:at], names[at+1:]...)
		}
	}
	return mixed
}
