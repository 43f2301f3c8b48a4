package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/test/rabbitnode"
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
	if warned := p.log(t, "events wait for a route that is not in the configuration, so nobody handles them: see `hookline topology retire`"); warned["events"] != 1.0 {
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

	f.isRetired(t, "loans")
	p.stop(t)
	f.write(t, "hookline.yml", kept+routes+`  later: { match: "alma.bib.#", where: "false", handler: { kind: log } }`)
	p = f.start(t, "run")
	if done := p.log(t, "delivery filtered"); done["route"] != "later" {
		t.Errorf("done %v", done)
	}
}

// isRetired expects that a route without events can be retired.
func (f folder) isRetired(t *testing.T, route string) {
	t.Helper()
	if retired := f.run(t, "topology", "retire", route); retired.code != 0 || !strings.Contains(retired.stdout, "route "+route+" is retired") {
		t.Errorf("topology retire %s: %+v", route, retired)
	}
}

func TestEventsOfARemovedRouteAreMovedToTheUnrouted(t *testing.T) {
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
	kept, _, _ := strings.Cut(auditConfig, "\nroutes:\n")
	f.write(t, "hookline.yml", kept+"\nroutes:\n"+`  other: { match: "alma.job_end", handler: { kind: log } }`)
	f.start(t, "run")
	if kept := f.run(t, "topology", "retire", "later"); kept.code != 1 || !strings.Contains(kept.stderr, "--to-unrouted") {
		t.Errorf("a route with an event: %+v", kept)
	}
	for _, route := range []string{"later", "loans"} {
		if moved := f.run(t, "topology", "retire", route, "--to-unrouted"); moved.code != 0 || !strings.Contains(moved.stdout, "moved 1 events") {
			t.Errorf("retire %s: %+v", route, moved)
		}
		f.isRetired(t, route)
	}
	if list := f.run(t, "unrouted", "list"); strings.Count(list.stdout, "alma") != 2 {
		t.Errorf("unrouted: %+v", list)
	}
	if audit := f.run(t, "audit"); audit.code != 0 {
		t.Errorf("audit: %+v", audit)
	}
}

// hasFiles waits until a folder has files, and expects n of them.
func (f folder) hasFiles(t *testing.T, dir string, n int) {
	t.Helper()
	found := 0
	for deadline := time.Now().Add(patience); found < n && time.Now().Before(deadline); {
		f.run(t, "queues") // waits for RabbitMQ
		if _, err := os.Stat(filepath.Join(f.dir, dir)); err == nil {
			found = len(filesBelow(t, filepath.Join(f.dir, dir)))
		}
	}
	if found != n {
		t.Errorf("%d files of %s, want %d", found, dir, n)
	}
}

const renamedConfig = `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
broker: { url: "${AMQP_URL}" }
sources: { alma: { preset: alma, secrets: first-test-secret } }
routes:
  a: { match: alma.job_end, handler: { kind: file, dir: a } }
  NAME: { match: alma.job_end, handler: { kind: file, dir: NAME } }
`

// The old name gets no more events, and its handler does not run for those of the new name when it is added again.
func TestARenamedRouteRunsEachEventOnce(t *testing.T) {
	t.Parallel()
	f := newFolder(t, "AMQP_URL="+rabbitnode.URL(t))
	config := func(name string) { f.write(t, "hookline.yml", strings.ReplaceAll(renamedConfig, "NAME", name)) }
	send := func(p *process, n string) {
		t.Helper()
		if sent := f.run(t, "send", "alma", "job_end", "-n", n, "--url", "http://"+p.listen); sent.code != 0 {
			t.Fatalf("send: %+v", sent)
		}
	}
	config("b")
	receiver := f.start(t, "receiver")
	send(receiver, "5")
	receiver.stop(t)
	config("bb")
	receiver = f.start(t, "receiver")
	worker := f.start(t, "worker")
	worker.log(t, "unbound a route from a pattern that no running process has in its configuration")
	worker.log(t, "events wait for a route that is not in the configuration, so nobody handles them: see `hookline topology retire`")
	if text := worker.metrics(t); !strings.Contains(text, `hookline_broker_left_over_events{route="b"} 5`) {
		t.Error("the metric does not show the 5 events of b")
	}
	send(receiver, "4")
	f.hasFiles(t, "a", 9)
	f.hasFiles(t, "bb", 4)
	if shown := f.run(t, "queues"); !strings.Contains(shown.stdout, "nobody handles its 5 waiting events") {
		t.Errorf("queues: %+v", shown)
	}
	if plan := f.run(t, "topology", "plan"); plan.code != 3 || !strings.Contains(plan.stdout, "5 events; the configuration has no route b") {
		t.Errorf("plan: %+v", plan)
	}
	if audit := f.run(t, "audit"); audit.code != 0 || !strings.Contains(audit.stdout, "Route b is not in the configuration, and has 5 events") {
		t.Errorf("audit: %+v", audit)
	}
	receiver.stop(t)
	worker.stop(t)
	config("b")
	again := f.start(t, "worker", "--route", "b")
	for range 5 {
		again.log(t, "delivery done")
	}
	f.hasFiles(t, "b", 5)
	if retired := f.run(t, "topology", "retire", "bb"); retired.code != 0 {
		t.Errorf("retire: %+v", retired)
	}
	if plan := f.run(t, "topology", "plan"); plan.code != 0 {
		t.Errorf("plan afterwards: %+v", plan)
	}
}
