package test

import (
	"strings"
	"testing"
)

func TestEventsOfARemovedRouteAreNamed(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.write(t, "hookline.yml", auditConfig)
	p := f.start(t, "run")
	for _, action := range []string{"bib.bib_created", "loan.loan_created"} {
		if sent := f.run(t, "send", "alma", action, "--url", "http://"+p.listen); sent.code != 0 {
			t.Fatalf("send: %+v", sent)
		}
	}
	p.log(t, "delivery retried")
	p.log(t, "delivery dead")
	p.stop(t)
	f.sql(t, "UPDATE delivery SET at = 0 WHERE route = 'later'") // the retry's time has come

	const routes = "\nroutes:\n"
	kept, _, _ := strings.Cut(auditConfig, routes)
	f.write(t, "hookline.yml", kept+routes+`  other: { match: "alma.job_end", handler: { kind: log } }`)
	p = f.start(t, "run")
	if warned := p.log(t, "events wait for a route that is not in the configuration, so nobody handles them: add the route again until they are done"); warned["route"] != "later" || warned["events"] != 1.0 {
		t.Errorf("warned %v", warned)
	}
	queues := f.run(t, "queues")
	if !strings.Contains(queues.stdout, "Route later is not in the configuration, so nobody handles its 1 waiting events") || strings.Contains(queues.stdout, "Route loans") {
		t.Errorf("queues: %+v", queues)
	}
	if replayed := f.run(t, "dead", "replay", "loans", "--all"); replayed.code != 2 || !strings.Contains(replayed.stderr, "add the route again first") {
		t.Errorf("dead replay: %+v", replayed)
	}
	if discarded := f.run(t, "dead", "discard", "loans", "--all", "--yes"); discarded.code != 0 || !strings.Contains(discarded.stdout, "discarded 1") {
		t.Errorf("dead discard: %+v", discarded)
	}

	p.stop(t)
	f.write(t, "hookline.yml", kept+routes+`  later: { match: "alma.bib.#", where: "false", handler: { kind: log } }`)
	p = f.start(t, "run")
	if done := p.log(t, "delivery filtered"); done["route"] != "later" {
		t.Errorf("done %v", done)
	}
}
