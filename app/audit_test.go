package app

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/hookline/hookline/broker"
)

// fakeBroker answers with the fields that the test sets.
type fakeBroker struct {
	leads    bool
	leadsErr error
	found    broker.Audit
	err      error
}

func (f *fakeBroker) Leads(context.Context, broker.LeaderRole) (bool, error) {
	return f.leads, f.leadsErr
}
func (f *fakeBroker) Unbind(context.Context) (removed, remaining []broker.Binding, err error) {
	return nil, nil, nil
}
func (f *fakeBroker) Audit(context.Context) (broker.Audit, error) { return f.found, f.err }

func TestOnlyTheLeaderShowsUnaccountedEvents(t *testing.T) {
	t.Parallel()
	lost := broker.Audit{Unaccounted: 3, Routes: []broker.RouteAudit{{Route: "", Unaccounted: 1}, {Route: "archive", Unaccounted: 2}, {Route: "old"}}}
	fake, reg := &fakeBroker{}, prometheus.NewRegistry()
	a := newAuditor(fake, []broker.Route{{Name: "archive"}, {Name: "mail"}}, reg, zap.NewNop())
	if shown := values(t, reg); len(shown) != 11 {
		t.Errorf("at the start there are %v", shown)
	}
	for _, step := range []struct {
		name              string
		fake              fakeBroker
		unrouted, archive float64
		checked           bool
	}{
		{"another process leads", fakeBroker{found: lost}, 0, 0, false},
		{"the leader is unknown", fakeBroker{leads: true, leadsErr: errors.New("down"), found: lost}, 0, 0, false},
		{"this process leads", fakeBroker{leads: true, found: lost}, 1, 2, true},
		{"the audit fails", fakeBroker{leads: true, err: errors.New("down")}, 1, 2, false},
		{"this process leads, and the routes are gone", fakeBroker{leads: true}, 0, 0, true},
		{"again", fakeBroker{leads: true, found: lost}, 1, 2, true},
		{"another process leads again", fakeBroker{found: lost}, 0, 0, false},
	} {
		*fake = step.fake
		a.checked.Set(0)
		a.audit(t.Context())
		shown := values(t, reg)
		if shown["unrouted"] != step.unrouted || shown["archive"] != step.archive || shown["checked"] > 0 != step.checked {
			t.Errorf("%s: %v", step.name, shown)
		}
	}
}

func TestQueuesAtRiskAreCountedByTheLeaderAndLoggedOnce(t *testing.T) {
	t.Parallel()
	core, logs := observer.New(zap.WarnLevel)
	found := broker.Audit{AtRisk: []broker.QueueAtRisk{
		{Queue: "hookline.work.a", Risk: broker.RiskMembers, Advice: "grow"}, {Queue: "hookline.work.b", Risk: broker.RiskMembers, Advice: "grow"},
		{Queue: "hookline.work.b", Risk: broker.RiskPolicy, Advice: "message-ttl"},
	}}
	fake, reg := &fakeBroker{leads: true, found: found}, prometheus.NewRegistry()
	a := newAuditor(fake, nil, reg, zap.New(core))
	for range 2 {
		a.audit(t.Context())
		if shown := values(t, reg); shown["members"] != 2 || shown["policy"] != 1 {
			t.Errorf("%v", shown)
		}
	}
	if n := logs.FilterMessage("a queue can lose events").Len(); n != 3 {
		t.Errorf("%d lines, want 3", n)
	}
	fake.found.AtRisk = found.AtRisk[:1]
	a.audit(t.Context())
	if shown := values(t, reg); shown["members"] != 1 || shown["policy"] != 0 {
		t.Errorf("after the policy is gone: %v", shown)
	}
	fake.leads = false
	a.audit(t.Context())
	if shown := values(t, reg); shown["members"] != 0 {
		t.Errorf("another process leads: %v", shown)
	}
}

// values are those of the audit's gauges by route or reason, "checked" and "since".
func values(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			name := strings.TrimSuffix(strings.TrimPrefix(family.GetName(), "hookline_ledger_"), "_timestamp_seconds")
			for _, label := range m.GetLabel() {
				name = label.GetValue()
			}
			all[name] = m.GetGauge().GetValue()
		}
	}
	return all
}

func TestTheLeaderShowsThatTheAuditIsIncomplete(t *testing.T) {
	t.Parallel()
	since := time.Unix(1_700_000_000, 0)
	spools := []broker.SpoolAudit{
		{Spool: "a", Unaccounted: 2}, {Spool: "b", Unaccounted: 3},
		{Spool: "c", SpoolCounts: broker.SpoolCounts{Taken: 7, Present: 7}, SilentSince: &since},
	}
	fake, reg := &fakeBroker{}, prometheus.NewRegistry()
	a := newAuditor(fake, nil, reg, zap.NewNop())
	for _, step := range []struct {
		name               string
		fake               fakeBroker
		anew, newer, since float64
		lost, silent       float64 // of spools
		open, unkeyed      float64
	}{
		{"at the start", fakeBroker{leads: true, found: broker.Audit{Since: since}}, 0, 0, 1_700_000_000, 0, 0, 0, 0},
		{"counting began anew", fakeBroker{leads: true, found: broker.Audit{Since: since, Anew: "the notes are gone"}}, 1, 0, 1_700_000_000, 0, 0, 0, 0},
		{"a newer process writes", fakeBroker{leads: true, found: broker.Audit{Since: since, Newer: 7}}, 0, 1, 1_700_000_000, 0, 0, 0, 0},
		{"the audit fails", fakeBroker{leads: true, err: errors.New("down")}, 0, 1, 1_700_000_000, 0, 0, 0, 0},
		{"spools have lost events, and one is silent", fakeBroker{leads: true, found: broker.Audit{Since: since, Spools: spools}}, 0, 0, 1_700_000_000, 5, 7, 0, 0},
		{"many events are open", fakeBroker{leads: true, found: broker.Audit{Since: since, Routes: []broker.RouteAudit{
			{Waiting: 1}, {Route: "mine", External: true, Waiting: 8}, {Route: "archive", Waiting: 2, Running: 3, Retrying: 4, Dead: 5, Unkeyed: 6},
		}}}, 0, 0, 1_700_000_000, 0, 0, 15, 1},
		{"another process leads", fakeBroker{}, 0, 0, 0, 0, 0, 0, 0},
	} {
		*fake = step.fake
		a.audit(t.Context())
		shown := values(t, reg)
		if shown["anew"] != step.anew || shown["newer"] != step.newer || shown["since"] != step.since ||
			shown["@spool"] != step.lost || shown["silent_spool_events"] != step.silent ||
			shown["open_events"] != step.open || shown["unkeyed"] != step.unkeyed {
			t.Errorf("%s: %v", step.name, shown)
		}
	}
}
