package console

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hookline/hookline/console"
	"github.com/hookline/hookline/console/consoletest"
	"github.com/hookline/hookline/console/jobs"
)

// serve serves a console on a port of its own.
func serve(t *testing.T, cfg console.Config, parts console.Parts) (url, password string) {
	t.Helper()
	c, err := console.New(cfg, parts)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(c.Handler())
	t.Cleanup(server.Close)
	return server.URL, c.FirstPassword()
}

// shown is a page that is looked at.
type shown struct {
	name, path string
	library    *consoletest.Library
}

func pages(t *testing.T) []shown {
	filled, away := consoletest.Filled(t), consoletest.Filled(t)
	away.Leave(true)
	plan, job := aPlan(t, filled.Jobs), aJob(t, filled.Jobs)
	event := func(seq int) string { return fmt.Sprintf("/events/%d", seq) }
	return []shown{
		{"home", "/", filled},
		{"first", "/", &consoletest.Library{}},
		{"away", "/", away},
		{"keys", "/keys", filled},
		{"missing", "/nothing", filled},
		{"events", "/events", filled},
		{"found", "/events?q=export&since=24h", filled},
		{"none", "/events?q=exprot&since=24h", filled},
		{"off", "/events", &consoletest.Library{}},
		{"event", event(consoletest.DeadExport), filled},
		{"hostile", event(consoletest.Hostile), filled},
		{"deep", event(consoletest.DeepJSON), filled},
		{"long", event(consoletest.LongHeader), filled},
		{"bytes", event(consoletest.NotText), filled},
		{"failures", "/failures", filled},
		{"routes", "/routes", filled},
		{"unrouted", "/unrouted", filled},
		{"jobs", "/jobs", filled},
		{"plan", plan, filled},
		{"job", job, filled},
		{"who", "/who", filled},
	}
}

// aPlan makes a plan, and returns its path.
func aPlan(t *testing.T, j *jobs.Jobs) string {
	t.Helper()
	plan, err := j.Plan(t.Context(), jobs.PlanRequest{Action: jobs.Replay, Selection: jobs.Selection{From: jobs.FromDead, Routes: []string{"exports"}}, By: "sample.operator"})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("/jobs/%d", plan.ID)
}

// aJob starts a slow job, and returns its path.
func aJob(t *testing.T, j *jobs.Jobs) string {
	t.Helper()
	plan, err := j.Plan(t.Context(), jobs.PlanRequest{Action: jobs.Replay, Selection: jobs.Selection{From: jobs.FromDead, Routes: []string{"loans"}}, By: "sample.operator"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Start(t.Context(), plan.ID, jobs.Options{By: "sample.operator", Why: "the gate knows its cards again", Rate: 0.2, Proof: true}); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("/jobs/%d", plan.ID)
}

// TestPagesAreForEverybody looks at each page in both schemes, on a screen and on a phone.
func TestPagesAreForEverybody(t *testing.T) {
	browser, script := chromium(t), axe(t)
	for _, page := range pages(t) {
		t.Run(page.name, func(t *testing.T) {
			cfg := consoletest.Config(t.TempDir())
			cfg.Login = false
			url, _ := serve(t, cfg, page.library.Parts())
			lookAt(t, browser, script, page.name, url+page.path)
		})
	}
	t.Run("login", func(t *testing.T) {
		url, _ := serve(t, consoletest.Config(t.TempDir()), consoletest.Filled(t).Parts())
		lookAt(t, browser, script, "login", url+"/login")
	})
}

func lookAt(t *testing.T, browser context.Context, script, name, url string) {
	b := newTab(t, browser, true)
	for _, scheme := range []string{"light", "dark"} {
		for _, size := range [][2]int64{{1280, 1000}, {390, 844}} {
			b.look(scheme, size[0], size[1])
			b.open(url)
			for _, finding := range examine(b, script) {
				t.Errorf("%s at %d: %s", scheme, size[0], finding)
			}
			b.shoot(fmt.Sprintf("%s-%s-%d", name, scheme, size[0]), size[0] < 700)
		}
	}
	b.look("light", 320, 640)
	if wide := eval[int](b, "document.documentElement.scrollWidth"); wide > 320 {
		t.Errorf("the page is %d wide on a screen of 320: %s", wide, eval[string](b, widest))
	}
	for _, complaint := range b.complaints() {
		if !strings.Contains(complaint, "404") {
			t.Error(complaint)
		}
	}
}

// widest names the elements that reach over the right edge.
const widest = `[...document.querySelectorAll("main *, header *")].filter(e => e.getBoundingClientRect().right > 320).slice(0, 5).map(e => e.outerHTML.slice(0, 120)).join("\n")`

// examine returns the findings of axe-core.
func examine(b *tab, script string) []string {
	b.t.Helper()
	eval[bool](b, script+"; true")
	return eval[[]string](b, `axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
		.then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.html.slice(0, 200) + " " + n.failureSummary)))`)
}
