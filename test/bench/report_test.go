package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReplaceKeepsTheTextAroundTheFigures(t *testing.T) {
	t.Parallel()
	page := filepath.Join(t.TempDir(), "page.md")
	const text = "before\n<!-- begin of the figures of `task bench`: one -->\nold\n<!-- end of the figures of `task bench` -->\nbetween\n" +
		"<!-- begin of the figures of `task bench`: two -->\n<!-- end of the figures of `task bench` -->\nafter\n"
	if err := os.WriteFile(page, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for section, figures := range map[string]string{"one": "new\n", "two": "2\n"} {
		if err := replace(page, section, figures); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	want := strings.NewReplacer("old\n", "new\n", "two -->\n", "two -->\n2\n").Replace(text)
	if err != nil || string(got) != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	if err := replace(page, "three", ""); err == nil {
		t.Error("a section without a place is no error")
	}
}

func TestARatioIsThatOfARound(t *testing.T) {
	t.Parallel()
	of := func(values ...float64) (w windows) {
		for _, value := range values {
			w = append(w, window{perSecond: value})
		}
		return w
	}
	if got := of(2, 30, 4).over(of(1, 10, 4), perSecond); got != (ratio{2, 1, 3}) {
		t.Errorf("got %v", got)
	}
	r := &report{}
	r.mostRatio("it", ratio{1.1, 1, 2}, 1.25)
	r.least("that", 3, 4, "3")
	if text := r.String(); !strings.Contains(text, "| it | at most 1.25 | 1.10 (1.00 to 2.00) | yes |") || !strings.Contains(text, "| that | at least 4 | 3 | **no** |") {
		t.Error(text)
	}
}
