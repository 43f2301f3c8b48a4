// Package dashboard_test is the linter of deployments/grafana and deployments/prometheus. Whether every query finds
// data is asked by test/compose, of a real Prometheus.
package dashboard_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

const deployments = "../../deployments"

type panel struct {
	ID          int
	Type        string
	Title       string
	Description string
	Datasource  struct{ Type, UID string }
	GridPos     struct{ H, W, X, Y int }
	FieldConfig struct{ Defaults struct{ Unit string } }
	Targets     []struct {
		RefID        string
		Expr         string
		LegendFormat string
		Datasource   struct{ UID string }
	}
}

func TestEveryPanelHasADescription(t *testing.T) {
	t.Parallel()
	titles, ids := map[string]bool{}, map[int]bool{}
	for _, p := range panels(t) {
		if p.Title == "" || titles[p.Title] || ids[p.ID] {
			t.Errorf("panel %d %q: title or id is missing or there twice", p.ID, p.Title)
		}
		titles[p.Title], ids[p.ID] = true, true
		if p.Type == "row" {
			continue
		}
		if len(p.Description) < 20 || !strings.HasSuffix(p.Description, ".") {
			t.Errorf("%s: description %q is no sentence", p.Title, p.Description)
		}
		if p.FieldConfig.Defaults.Unit == "" {
			t.Errorf("%s: no unit", p.Title)
		}
		if p.Datasource.UID != "${datasource}" || p.Datasource.Type != "prometheus" {
			t.Errorf("%s: data source %v is not the variable", p.Title, p.Datasource)
		}
		if len(p.Targets) == 0 {
			t.Errorf("%s: no query", p.Title)
		}
		for _, q := range p.Targets {
			if q.Expr == "" || q.LegendFormat == "" || q.RefID == "" || q.Datasource.UID != "${datasource}" {
				t.Errorf("%s: incomplete query %+v", p.Title, q)
			}
		}
	}
}

func TestPanelsFillTheGridWithoutOverlap(t *testing.T) {
	t.Parallel()
	taken := map[[2]int]string{}
	for _, p := range panels(t) {
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%s lies over %q or beyond the edge", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}

// TestQueriesSumProcessesRightly holds two rules that are easily broken and hard to see on a plot: a counter is
// looked at as a rate, and a queue's length, which every process reports, is a maximum and not a sum over processes.
func TestQueriesSumProcessesRightly(t *testing.T) {
	t.Parallel()
	length := regexp.MustCompile(`(max(?: by \([a-z, ]+\))? \(|max\()?hookline_broker_queue_waiting`)
	counter := regexp.MustCompile(`((?:rate|increase)\()?hookline_\w+_(?:total|bucket|sum|count)\b`)
	for where, expr := range expressions(t) {
		for _, pattern := range []*regexp.Regexp{length, counter} {
			for _, found := range pattern.FindAllStringSubmatch(expr, -1) {
				if found[1] == "" {
					t.Errorf("%s: %s is used bare in %s", where, found[0], expr)
				}
			}
		}
	}
}

func TestEveryAlertHasADescriptionAndATest(t *testing.T) {
	t.Parallel()
	tests, err := os.ReadFile(filepath.Join(deployments, "prometheus/alerts_test.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range alerts(t) {
		if a.Labels["severity"] != "page" && a.Labels["severity"] != "ticket" {
			t.Errorf("%s: severity %q", a.Alert, a.Labels["severity"])
		}
		if a.Annotations["summary"] == "" || len(a.Annotations["description"]) < 20 {
			t.Errorf("%s: summary or description is missing", a.Alert)
		}
		if !strings.Contains(string(tests), `alertname="`+a.Alert+`"`) {
			t.Errorf("%s: no case in alerts_test.yml in which it fires", a.Alert)
		}
	}
}

// TestEveryAlertHasARunbookAndEveryRunbookAnAlert compares the annotation runbook_url, the pages of docs/runbooks and
// their index.
func TestEveryAlertHasARunbookAndEveryRunbookAnAlert(t *testing.T) {
	t.Parallel()
	const folder = "docs/runbooks/"
	pages, err := filepath.Glob("../../" + folder + "Hookline*.md")
	if err != nil {
		t.Fatal(err)
	}
	index, err := os.ReadFile("../../" + folder + "README.md")
	if err != nil {
		t.Fatal(err)
	}
	without := map[string]bool{} // pages without an alert
	for _, page := range pages {
		without[strings.TrimSuffix(filepath.Base(page), ".md")] = true
	}
	for _, a := range alerts(t) {
		if want := folder + a.Alert + ".md"; a.Annotations["runbook_url"] != want || !without[a.Alert] {
			t.Errorf("%s: runbook_url %q, want %s, and a page of that name", a.Alert, a.Annotations["runbook_url"], want)
		}
		if row := "| [" + a.Alert + "](" + a.Alert + ".md) | " + a.Labels["severity"] + " |"; !strings.Contains(string(index), row) {
			t.Errorf("%s: docs/runbooks/README.md has no row %q", a.Alert, row)
		}
		delete(without, a.Alert)
	}
	for page := range without {
		t.Errorf("%s%s.md: no alert of that name", folder, page)
	}
}

// TestPrometheusReadsEveryExpression has promtool parse the dashboard's queries as recording rules, check the
// configuration and run the alerts' own tests. test/compose does the last two with the promtool of its container.
func TestPrometheusReadsEveryExpression(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed: `apt-get install prometheus` has it")
	}
	var rules []map[string]string
	for _, expr := range expressions(t) {
		rules = append(rules, map[string]string{"record": "test:expression", "expr": strings.ReplaceAll(expr, "$__rate_interval", "1m")})
	}
	body, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": rules}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"check", "rules", "--lint=none", file},
		{"check", "config", filepath.Join(deployments, "prometheus/prometheus.yml")},
		{"test", "rules", filepath.Join(deployments, "prometheus/alerts_test.yml")},
	} {
		if out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

func panels(t *testing.T) []panel {
	t.Helper()
	var dashboard struct{ Panels []panel }
	body, err := os.ReadFile(filepath.Join(deployments, "grafana/dashboards/hookline.json"))
	if err == nil {
		err = json.Unmarshal(body, &dashboard)
	}
	if err != nil || len(dashboard.Panels) == 0 {
		t.Fatalf("dashboard with %d panels: %v", len(dashboard.Panels), err)
	}
	return dashboard.Panels
}

type alert struct {
	Alert, Expr         string
	Labels, Annotations map[string]string
}

func alerts(t *testing.T) []alert {
	t.Helper()
	var file struct{ Groups []struct{ Rules []alert } }
	body, err := os.ReadFile(filepath.Join(deployments, "prometheus/alerts.yml"))
	if err == nil {
		err = yaml.Unmarshal(body, &file)
	}
	if err != nil || len(file.Groups) == 0 {
		t.Fatalf("alerts in %d groups: %v", len(file.Groups), err)
	}
	var all []alert
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

// expressions are all queries of the dashboard and all alerts, by a name to find them.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, p := range panels(t) {
		for _, q := range p.Targets {
			all["panel "+p.Title+" "+q.RefID] = q.Expr
		}
	}
	for _, a := range alerts(t) {
		all["alert "+a.Alert] = a.Expr
	}
	return all
}
