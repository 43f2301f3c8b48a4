package rabbitmq_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/test/rabbitnode"
)

// A plan names each policy that can lose events of a queue; so does the audit. A route is removed, and its queues count.
func TestAPlanNamesPoliciesThatLoseEvents(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	vhost := rabbitnode.VhostOf(url)
	cfg := rabbitmq.Config{URLs: []string{url}, Management: rabbitnode.Shared(t).API, Routes: []broker.Route{route("a", "alma.#"), route("old", "x.#")}}
	if _, err := rabbitmq.Apply(patient(t), cfg); err != nil {
		t.Fatal(err)
	}
	cfg.Routes = cfg.Routes[:1]
	for pattern, definition := range map[string]map[string]any{
		"^hookline.work.a$": {"max-length": 5, "overflow": "drop-head"},
		"^hookline.dead":    {"message-ttl": 600_000},
	} {
		if err := rabbitnode.Shared(t).SetPolicy(patient(t), vhost, strings.Trim(pattern, "^$"), pattern, definition); err != nil {
			t.Fatal(err)
		}
	}
	var found []rabbitmq.Change
	eventually(t, "three queues at risk", func() bool {
		changes, err := rabbitmq.Plan(patient(t), cfg)
		if err != nil {
			t.Fatal(err)
		}
		found = slices.DeleteFunc(changes, func(c rabbitmq.Change) bool { return c.State != rabbitmq.StateAtRisk })
		return len(found) == 3
	})
	for i, want := range []struct{ queue, advice string }{
		{"hookline.dead.a", "policy hookline.dead sets message-ttl, which drops events that wait longer:"},
		{"hookline.dead.old", "policy hookline.dead sets message-ttl, which drops events that wait longer:"},
		{"hookline.work.a", "policy hookline.work.a sets overflow: drop-head, which drops the oldest events of a full queue:"},
	} {
		if c := found[i]; c.Kind != string(broker.RiskPolicy) || c.Name != want.queue || !strings.HasPrefix(c.Detail, want.advice) || !c.Differs() {
			t.Errorf("%+v, want %+v", c, want)
		}
	}
	audit, err := open(t, cfg).Audit(patient(t))
	if err != nil || len(audit.AtRisk) != 3 || audit.AtRisk[2].Queue != "hookline.work.a" || audit.AtRisk[2].Risk != broker.RiskPolicy {
		t.Errorf("audit %+v, %v", audit.AtRisk, err)
	}
}

func TestAPlanSaysThatItCannotSeeMembers(t *testing.T) {
	t.Parallel()
	for name, management := range map[string]string{
		"set broker.management":                          "",
		"correct user and password in broker.management": strings.Replace(rabbitnode.Shared(t).API, "guest:guest@", "guest:wrong@", 1),
	} {
		changes, err := rabbitmq.Plan(patient(t), rabbitmq.Config{URLs: []string{rabbitnode.URL(t)}, Management: management})
		if err != nil {
			t.Fatal(err)
		}
		if c := changes[len(changes)-1]; c.Kind != "members" || c.State != rabbitmq.StateUnknown || c.Differs() || !strings.Contains(c.Detail, name) {
			t.Errorf("%+v", c)
		}
	}
}
