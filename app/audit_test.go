package app

import (
	"context"
	"errors"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
)

// audited is a line whose audit the test says.
type audited struct {
	ours  bool
	turn  error
	found broker.Audit
	err   error
}

func (a *audited) AuditTurn(context.Context) (bool, error)     { return a.ours, a.turn }
func (a *audited) Audit(context.Context) (broker.Audit, error) { return a.found, a.err }

func TestUnaccountedEventsAreShownByTheOneWhoseTurnItIs(t *testing.T) {
	t.Parallel()
	lost := broker.Audit{Unaccounted: 3, Routes: []broker.RouteAudit{{Route: "", Unaccounted: 1}, {Route: "archive", Unaccounted: 2}, {Route: "old"}}}
	line, reg := &audited{}, prometheus.NewRegistry()
	a := newAuditor(line, []broker.Route{{Name: "archive"}, {Name: "mail"}}, reg, zap.NewNop())
	if shown := values(t, reg); len(shown) != 4 {
		t.Errorf("at the start there are %v", shown)
	}
	for _, step := range []struct {
		name              string
		line              audited
		unrouted, archive float64
		checked           bool
	}{
		{"another's turn", audited{found: lost}, 0, 0, false},
		{"it cannot be told whose turn it is", audited{ours: true, turn: errors.New("down"), found: lost}, 0, 0, false},
		{"our turn", audited{ours: true, found: lost}, 1, 2, true},
		{"it cannot be told", audited{ours: true, err: errors.New("down")}, 1, 2, false},
		{"our turn, and nothing is there any more", audited{ours: true}, 0, 0, true},
		{"again", audited{ours: true, found: lost}, 1, 2, true},
		{"another's turn at last", audited{found: lost}, 0, 0, false},
	} {
		*line = step.line
		a.checked.Set(0)
		a.audit(t.Context())
		shown := values(t, reg)
		if shown["unrouted"] != step.unrouted || shown["archive"] != step.archive || shown["checked"] > 0 != step.checked {
			t.Errorf("%s: %v", step.name, shown)
		}
	}
}

// values are those of the audit's gauges by route, and "checked".
func values(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			name := "checked"
			for _, label := range m.GetLabel() {
				name = label.GetValue()
			}
			all[name] = m.GetGauge().GetValue()
		}
	}
	return all
}
