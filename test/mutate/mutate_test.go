package main

import (
	"bytes"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestEditsChangeOnePlace(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"a condition", "if a < b { f() }", "condition negated: a < b -> !(a < b)"},
		{"a branch that is never taken", "if a < b { f() }", "condition never true: a < b -> (a < b) && false"},
		{"a comparison", "x = a < b", "comparison: < -> <="},
		{"a sign", "x = a + b", "sign: + -> -"},
		{"a call", "f()", "statement removed: f() -> (nothing)"},
		{"a statement of a case", "switch { case a: f() }", "statement removed: f() -> (nothing)"},
		{"a branch", "for { continue }", "branch: continue -> break"},
		{"an else", "if a { f() } else { g() }", "branch emptied: { g() } -> {}"},
		{"a deferred call", "defer f()", "defer removed: defer f() -> (nothing)"},
		{"an error", "return err", "error returned as nil: err -> nil"},
		{"a wrapped error", `return 0, fmt.Errorf("x: %w", err)`, `error returned as nil: fmt.Errorf("x: %w", err) -> nil`},
		{"a number", "x = 41", "constant by one: 41 -> 42"},
		{"a lock and its unlock", "m.Lock(); f(); m.Unlock()", "lock removed: m.Lock(); f(); m.Unlock() -> ; f();"},
		{"a lock and its deferred unlock", "m.Lock(); defer m.Unlock(); f()", "lock removed: m.Lock(); defer m.Unlock() -> ;"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := changes(t, c.body); !slices.Contains(got, "fn: "+c.want) {
				t.Errorf("%s\nhas no change %q, only:\n%s", c.body, c.want, strings.Join(got, "\n"))
			}
		})
	}
}

func TestEditsLeaveHalfALockAlone(t *testing.T) {
	for _, change := range changes(t, "m.Lock(); defer m.Unlock(); f()") {
		if strings.Contains(change, "removed: m.Lock() ->") || strings.Contains(change, "removed: defer m.Unlock()") {
			t.Errorf("a change removes one half, which hangs or panics always: %s", change)
		}
	}
}

// changes returns the changes of a function body.
func changes(t *testing.T, body string) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.go")
	write(t, path, "package x\n\nfunc fn() {\n"+body+"\n}\n")
	mutants, err := fileMutants(goPackage{}, path)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, m := range mutants {
		text, err := m.apply()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.ParseFile(token.NewFileSet(), path, text, 0); err != nil {
			t.Errorf("%s: the changed file is no Go: %v", m, err)
		}
		found = append(found, m.change())
	}
	return found
}

func TestRunTellsNoticedFromSurvived(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module example.org/m\n\ngo 1.26\n")
	write(t, filepath.Join(dir, "x.go"), "package m\n\nfunc tested(a, b int) int { return a + b }\n\nfunc untested(a, b int) int { return a - b }\n\nfunc known(a int) bool { return a > 0 }\n")
	write(t, filepath.Join(dir, "x_test.go"), "package m\n\nimport \"testing\"\n\nfunc TestTested(t *testing.T) {\n\tif tested(2, 1) != 3 {\n\t\tt.Fatal()\n\t}\n}\n")
	before, err := os.ReadFile(filepath.Join(dir, "x.go"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	o, err := parse([]string{"-n", "10", "."})
	if err != nil {
		t.Fatal(err)
	}
	packages, err := load(t.Context(), o.packages)
	if err != nil {
		t.Fatal(err)
	}
	mutants, err := findMutants(packages)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]string{"x.go: known: comparison: > -> >=": "0 is never given"}
	var out bytes.Buffer
	results, err := test(t.Context(), &out, sample(mutants, 1), known, o)
	if err != nil {
		t.Fatal(err)
	}
	verdicts := map[string]string{}
	for _, r := range results {
		verdicts[r.change()] = r.verdict
	}
	for change, want := range map[string]string{
		"tested: sign: + -> -": noticed, "untested: sign: - -> +": survived,
		"known: comparison: > -> >=": equivalent, "known: constant by one: 0 -> 1": survived,
	} {
		if verdicts[change] != want {
			t.Errorf("%s: %q, want %q", change, verdicts[change], want)
		}
	}
	if err := printReport(&out, results, 1); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); !strings.Contains(text, "x.go:5: untested: sign: - -> +") || !strings.Contains(text, "33 %") {
		t.Errorf("the report lacks the survivor or its share:\n%s", text)
	}
	if after, err := os.ReadFile(filepath.Join(dir, "x.go")); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the sources changed: %v", err)
	}
}

func TestSampleOfASeedIsTheSame(t *testing.T) {
	var all []mutant
	for i := range 50 {
		all = append(all, mutant{pkg: goPackage{ImportPath: []string{"a", "b"}[i%2]}, line: i})
	}
	lines := func(seed uint64) (lines []int) {
		for _, m := range sample(all, seed) {
			lines = append(lines, m.line)
		}
		return lines
	}
	if !slices.Equal(lines(3), lines(3)) || slices.Equal(lines(3), lines(4)) {
		t.Error("one seed must choose the same order, and another seed another one")
	}
	if len(lines(3)) != len(all) {
		t.Errorf("%d of %d changes", len(lines(3)), len(all))
	}
}

func TestEquivalentChangesHaveReasons(t *testing.T) {
	if _, err := readEquivalent(equivalentText); err != nil {
		t.Error(err)
	}
	for _, text := range []string{"x.go: a\n", "x.go: a\nx.go: b\n\tc\n", "\tc\n"} {
		if _, err := readEquivalent(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

// TestEquivalentChangesExist keeps equivalent.txt free of changes of code that is gone.
func TestEquivalentChangesExist(t *testing.T) {
	known, err := readEquivalent(equivalentText)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("../..")
	packages, err := load(t.Context(), []string{"./..."})
	if err != nil {
		t.Fatal(err)
	}
	mutants, err := findMutants(packages)
	if err != nil {
		t.Fatal(err)
	}
	exist := map[string]bool{}
	for _, m := range mutants {
		exist[relative(m.file)+": "+m.change()] = true
	}
	for change := range known {
		if !exist[change] {
			t.Errorf("equivalent.txt names a change that no longer exists: %s", change)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
