package test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hookline/hookline/test/rabbitnode"
)

// everyMetric is a configuration with which receiver and worker have every metric.
const everyMetric = `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
data: data
broker: { url: "${AMQP_URL}" }
alma: { main: { region: eu, key: unused } }
journal: { enabled: true }
sources:
  github: { preset: github, secrets: first-test-secret }
  nightly: { kind: schedule, cron: "@yearly" }
routes:
  archive: { match: "#", handler: { kind: file, dir: export } }
  tell: { match: "x.y", handler: { kind: notify, text: text, email: { host: localhost, from: "a@example.org" } } }
  exports: { match: "x.y", handler: { kind: transfer, from: { local: { dir: in } }, to: { local: { dir: out } } } }
  mine: { match: "x.y", external: true }
`

// absent are metrics that a process without a conversation with Alma, a removed route, a queue at risk, or a journal with an expected event, does not have.
var absent = map[string]string{
	"hookline_alma_api_remaining":             "gauge institution",
	"hookline_route_expected_overdue_seconds": "gauge route",
	"hookline_broker_left_over_events":        "gauge route",
	"hookline_broker_stale_bindings":          "gauge route",
	"hookline_broker_queues_at_risk":          "gauge risk",
}

// TestMetricsPageHasEveryMetric compares type and labels in docs/reference/metrics.md with those of running processes.
func TestMetricsPageHasEveryMetric(t *testing.T) {
	t.Parallel()
	f := newFolder(t, "AMQP_URL="+rabbitnode.URL(t))
	f.write(t, "hookline.yml", everyMetric)
	served := maps.Clone(absent)
	for _, role := range []string{"receiver", "worker", "run"} {
		p := f.start(t, role)
		p.log(t, "connected to RabbitMQ") // so that the queues can be counted
		maps.Copy(served, metricsOf(p.metrics(t)))
	}
	shown := map[string]string{}
	row := regexp.MustCompile("(?m)^\\| `(hookline_[a-z_0-9]+)` \\| ([a-z]+) \\|([^|]*)\\| .+ \\|$")
	for _, found := range row.FindAllStringSubmatch(read(t, "../docs/reference/metrics.md"), -1) {
		labels := strings.Split(strings.NewReplacer("`", "", " ", "").Replace(found[3]), ",")
		slices.Sort(labels)
		shown[found[1]] = strings.TrimSpace(found[2] + " " + strings.Join(labels, " "))
	}
	for name, what := range served {
		if shown[name] != what {
			t.Errorf("docs/reference/metrics.md says %q of %s, and it is %q", shown[name], name, what)
		}
	}
	for name := range shown {
		if served[name] == "" {
			t.Errorf("docs/reference/metrics.md has %s, which no process serves", name)
		}
	}
}

// metricsOf returns type and sorted labels of each of our metrics in a page for Prometheus.
func metricsOf(text string) map[string]string {
	types := map[string]string{}
	for _, found := range regexp.MustCompile(`(?m)^# TYPE (hookline_\w+) (\w+)$`).FindAllStringSubmatch(text, -1) {
		types[found[1]] = found[2]
	}
	label := regexp.MustCompile(`(\w+)="`)
	all := map[string]string{}
	for _, found := range regexp.MustCompile(`(?m)^(hookline_\w+)(\{.*\})? `).FindAllStringSubmatch(text, -1) {
		name := found[1]
		if types[name] == "" {
			name = regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
		}
		var labels []string
		for _, l := range label.FindAllStringSubmatch(found[2], -1) {
			if l[1] != "le" {
				labels = append(labels, l[1])
			}
		}
		slices.Sort(labels)
		all[name] = strings.TrimSpace(types[name] + " " + strings.Join(labels, " "))
	}
	return all
}

// TestMetricsPageHasEveryNameInTheCode finds metrics that the test above does not meet.
func TestMetricsPageHasEveryNameInTheCode(t *testing.T) {
	t.Parallel()
	page := read(t, "../docs/reference/metrics.md")
	name := regexp.MustCompile(`"(hookline_[a-z_]+[a-z])"`)
	seen := 0
	for _, folder := range []string{"alma", "app", "broker", "handlers", "journal", "pkg", "receiver", "schedule", "worker"} {
		err := filepath.WalkDir("../"+folder, func(file string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
				return err
			}
			for _, found := range name.FindAllStringSubmatch(read(t, file), -1) {
				if strings.HasPrefix(found[1], "hookline_doctor") {
					continue // an action
				}
				seen++
				if !strings.Contains(page, "`"+found[1]+"`") {
					t.Errorf("%s: %s is not in docs/reference/metrics.md", file, found[1])
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if seen < 20 {
		t.Error(fmt.Sprint("only ", seen, " names were found"))
	}
}
