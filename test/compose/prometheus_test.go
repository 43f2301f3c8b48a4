//go:build compose

package compose_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// prometheus is the API of the one that runs in the stack.
type prometheus struct{ url string }

// query returns the values of an instant query.
func (p prometheus) query(ctx context.Context, expr string) ([]float64, error) {
	var answer struct {
		Error string
		Data  struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := getJSON(ctx, p.url+"/api/v1/query?query="+url.QueryEscape(expr), &answer); err != nil {
		return nil, err
	}
	if answer.Error != "" {
		return nil, fmt.Errorf("%s: %s", expr, answer.Error)
	}
	var values []float64
	for _, r := range answer.Data.Result {
		text, _ := r.Value[1].(string)
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return values, nil
}

// has returns nil when the query has one value, this one.
func (p prometheus) has(ctx context.Context, expr string, want float64) error {
	values, err := p.query(ctx, expr)
	if err == nil && (len(values) != 1 || values[0] != want) {
		err = fmt.Errorf("%s is %v, not %v", expr, values, want)
	}
	return err
}

// some returns nil when the query has data.
func (p prometheus) some(ctx context.Context, expr string) error {
	values, err := p.query(ctx, expr)
	if err == nil && len(values) == 0 {
		err = fmt.Errorf("no data for %s", expr)
	}
	return err
}

// none returns nil when the query has no data, as an alert's while all is well.
func (p prometheus) none(ctx context.Context, expr string) error {
	values, err := p.query(ctx, expr)
	if err == nil && len(values) > 0 {
		err = fmt.Errorf("%s is %v, not nothing", expr, values)
	}
	return err
}

// rules returns how many rules Prometheus has loaded, and an error if it cannot evaluate one.
func (p prometheus) rules(ctx context.Context) (int, error) {
	var answer struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError string }
			}
		}
	}
	if err := getJSON(ctx, p.url+"/api/v1/rules", &answer); err != nil {
		return 0, err
	}
	n := 0
	for _, g := range answer.Data.Groups {
		for _, r := range g.Rules {
			if r.Health != "ok" {
				return 0, fmt.Errorf("rule %s: %s %s", r.Name, r.Health, r.LastError)
			}
			n++
		}
	}
	return n, nil
}

// dashboardQueries are the dashboard's, with Grafana's own variable filled in as it would.
func dashboardQueries(t *testing.T) []string {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			Targets []struct{ Expr string }
		}
	}
	read(t, "deployments/grafana/dashboards/hookline.json", json.Unmarshal, &dashboard)
	var all []string
	for _, p := range dashboard.Panels {
		for _, q := range p.Targets {
			if configured.MatchString(q.Expr) {
				continue
			}
			all = append(all, strings.ReplaceAll(q.Expr, "$__rate_interval", "1m"))
		}
	}
	return all
}

// configured are series that only institutions, services, transfers, schedules, a journal, and external or left-over routes have. The stack has
// none of them.
var configured = regexp.MustCompile(`hookline_(alma|notify|transfer|schedule|journal|route_expected)_|hookline_broker_(left_over|stale|external|queues_at)_|role="external"`)

var selector = regexp.MustCompile(`\b(?:(?:hookline|rabbitmq)_\w+|up)\b(?:\{[^}]*\})?`)

// alerts are the alerts' expressions by name.
func alerts(t *testing.T) map[string]string {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	read(t, "deployments/prometheus/alerts.yml", func(b []byte, v any) error { return yaml.Unmarshal(b, v) }, &file)
	all := map[string]string{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			all[r.Alert] = r.Expr
		}
	}
	return all
}

func read(t *testing.T, file string, unmarshal func([]byte, any) error, v any) {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(repository, file))
	if err == nil {
		err = unmarshal(body, v)
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func getJSON(ctx context.Context, address string, v any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return json.NewDecoder(response.Body).Decode(v)
}
