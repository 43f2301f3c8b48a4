package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hookline/hookline/alma"
	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
	"github.com/hookline/hookline/pkg/privacy"
	"github.com/hookline/hookline/receiver"
	"github.com/hookline/hookline/worker"
)

func TestFilesAreAsTheCodeSays(t *testing.T) {
	t.Parallel()
	for name, want := range files("../..") {
		got, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is stale: run `task docs`", name)
		}
	}
}

func TestEachCommandHasAManPage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := run([]string{"man", dir}); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"hookline.1": "Exit codes", "hookline-run.1": "hookline run", "hookline-config-check.1": "hookline config check"} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if plain := strings.ReplaceAll(string(text), `\-`, "-"); !strings.Contains(plain, want) {
			t.Errorf("%s does not contain %q", file, want)
		}
	}
}

// TestLimitsOfTheSchemaAreThoseOfTheCode holds the numbers of schema tags, which cannot name a constant.
func TestLimitsOfTheSchemaAreThoseOfTheCode(t *testing.T) {
	t.Parallel()
	g := newGenerator("../..")
	top := g.schema()
	for _, c := range []struct {
		of      object
		path    []string
		keyword string
		want    int64
	}{
		{top, []string{"broker", "max_bytes"}, "minimum", embedded.MinBytes},
		{top, []string{"spool", "max_bytes"}, "minimum", embedded.MinBytes},
		{top, []string{"redact_key"}, "minLength", privacy.MinKey},
		{top.get("properties").(object).get("alma").(object).get("additionalProperties").(object), []string{"rate"}, "maximum", alma.DefaultRate},
		{g.defs["source"], []string{"max_body"}, "maximum", receiver.MaxMaxBody},
		{g.defs["route"], []string{"concurrency"}, "maximum", worker.MaxConcurrency},
		{g.defs["route"], []string{"pause", "of"}, "maximum", worker.MaxPauseOf},
	} {
		o := c.of
		for _, key := range c.path {
			o = o.get("properties").(object).get(key).(object)
		}
		if got := o.get(c.keyword); got != c.want {
			t.Errorf("%s of %v is %v, want %d", c.keyword, c.path, got, c.want)
		}
	}
	names := top.get("properties").(object).get("routes").(object).get("propertyNames").(object).get("pattern")
	if want := fmt.Sprintf("^[a-z0-9_-]{1,%d}$", broker.MaxRoute); names != want {
		t.Errorf("names of routes are %v, want %s", names, want)
	}
}
