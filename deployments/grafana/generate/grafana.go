package main

import (
	"bytes"
	"encoding/json"
)

// The parts of Grafana's dashboard model that are used here (schema version 39, Grafana 10 and later).
type (
	model struct {
		UID           string     `json:"uid"`
		Title         string     `json:"title"`
		Description   string     `json:"description"`
		Tags          []string   `json:"tags"`
		SchemaVersion int        `json:"schemaVersion"`
		Editable      bool       `json:"editable"`
		GraphTooltip  int        `json:"graphTooltip"` // 1: one crosshair over all panels
		Refresh       string     `json:"refresh"`
		Time          timeRange  `json:"time"`
		Templating    templating `json:"templating"`
		Panels        []any      `json:"panels"`
	}
	timeRange struct {
		From string `json:"from"`
		To   string `json:"to"`
	}
	templating struct {
		List []variable `json:"list"`
	}
	variable struct {
		Name  string `json:"name"`
		Label string `json:"label"`
		Type  string `json:"type"`
		Query string `json:"query"`
	}
	rowPanel struct {
		ID        int    `json:"id"`
		Type      string `json:"type"`
		Title     string `json:"title"`
		Collapsed bool   `json:"collapsed"`
		GridPos   grid   `json:"gridPos"`
		Panels    []any  `json:"panels"`
	}
	graphPanel struct {
		ID          int         `json:"id"`
		Type        string      `json:"type"`
		Title       string      `json:"title"`
		Description string      `json:"description"`
		Datasource  datasource  `json:"datasource"`
		GridPos     grid        `json:"gridPos"`
		FieldConfig fieldConfig `json:"fieldConfig"`
		Options     any         `json:"options"`
		Targets     []target    `json:"targets"`
	}
	datasource struct {
		Type string `json:"type"`
		UID  string `json:"uid"`
	}
	grid struct {
		H int `json:"h"`
		W int `json:"w"`
		X int `json:"x"`
		Y int `json:"y"`
	}
	fieldConfig struct {
		Defaults  fieldDefaults `json:"defaults"`
		Overrides []any         `json:"overrides"`
	}
	fieldDefaults struct {
		Unit       string     `json:"unit"`
		Min        *float64   `json:"min,omitempty"`
		Thresholds thresholds `json:"thresholds"`
		Custom     any        `json:"custom,omitempty"`
	}
	thresholds struct {
		Mode  string `json:"mode"`
		Steps []step `json:"steps"`
	}
	step struct {
		Color string   `json:"color"`
		Value *float64 `json:"value"` // null: from the very bottom
	}
	target struct {
		RefID      string     `json:"refId"`
		Datasource datasource `json:"datasource"`
		Expr       string     `json:"expr"`
		Legend     string     `json:"legendFormat"`
		Range      bool       `json:"range"`
	}
)

const (
	columns    = 24 // of Grafana's grid
	statHeight = 4
	plotHeight = 8
)

// render returns the dashboard file that Grafana loads: rows from top to bottom, panels from left to right.
func render(rows []row) ([]byte, error) {
	m := model{
		UID: "hookline", Title: "Hookline", Tags: []string{"hookline"}, SchemaVersion: 39, GraphTooltip: 1, Refresh: "15s",
		Description: "Is anything lost, late, failing or piling up?",
		Time:        timeRange{"now-1h", "now"},
		Templating:  templating{[]variable{{"datasource", "Data source", "datasource", "prometheus"}}},
	}
	id, y := 0, 0
	for _, r := range rows {
		id++
		m.Panels = append(m.Panels, rowPanel{ID: id, Type: "row", Title: r.title, GridPos: grid{1, columns, 0, y}, Panels: []any{}})
		y++
		x, height := 0, plotHeight
		for _, p := range r.panels {
			if p.width == 0 {
				p.width = columns / 3
			}
			if p.stat {
				height = statHeight
			}
			if x+p.width > columns {
				x, y = 0, y+height
			}
			id++
			m.Panels = append(m.Panels, p.grafana(id, grid{height, p.width, x, y}))
			x += p.width
		}
		y += height
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(m)
	return body.Bytes(), err
}

func (p panel) grafana(id int, at grid) graphPanel {
	out := graphPanel{
		ID: id, Type: "timeseries", Title: p.title, Description: p.description, Datasource: source(), GridPos: at,
		FieldConfig: fieldConfig{fieldDefaults{Unit: p.unit, Min: new(float64), Thresholds: p.thresholds()}, []any{}},
	}
	if p.stat {
		out.Type = "stat"
		out.Options = map[string]any{"colorMode": "background", "graphMode": "area", "reduceOptions": map[string]any{"calcs": []string{"lastNotNull"}}}
	} else {
		out.Options = map[string]any{
			"legend":  map[string]any{"displayMode": "table", "placement": "bottom", "calcs": []string{"lastNotNull", "max"}},
			"tooltip": map[string]any{"mode": "multi", "sort": "desc"},
		}
		custom := map[string]any{"fillOpacity": 10, "showPoints": "never"}
		if p.bad != nil {
			custom["thresholdsStyle"] = map[string]any{"mode": "line"}
		}
		out.FieldConfig.Defaults.Custom = custom
	}
	for i, q := range p.queries {
		out.Targets = append(out.Targets, target{RefID: string(rune('A' + i)), Datasource: source(), Expr: q.expr, Legend: q.legend, Range: true})
	}
	return out
}

// thresholds colours a panel: red from bad upwards, or up to good.
func (p panel) thresholds() thresholds {
	steps := []step{{"green", nil}}
	switch {
	case p.bad != nil:
		steps = append(steps, step{"red", p.bad})
	case p.good != nil:
		steps = []step{{"red", nil}, {"green", p.good}}
	}
	return thresholds{"absolute", steps}
}

// source returns the data source that a person chooses at the top of the dashboard.
func source() datasource { return datasource{"prometheus", "${datasource}"} }
