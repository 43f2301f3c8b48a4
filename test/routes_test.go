package test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/test/rabbitnode"
)

// TestAPersonPausesARoute pauses a route beside running processes, restarts all of them, and resumes it.
func TestAPersonPausesARoute(t *testing.T) {
	t.Parallel()
	for name, roles := range map[string][][]string{"embedded": {{"run"}}, "rabbitmq": {{"receiver"}, {"worker"}, {"worker"}}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFolder(t)
			url := ""
			if name == "rabbitmq" {
				f = newFolder(t, "AMQP_URL="+rabbitnode.URL(t))
				url = `broker: { url: "${AMQP_URL}" }`
			}
			f.write(t, "hookline.yml", `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
data: data
`+url+`
sources: { alma: { preset: alma, secrets: "a secret of 22 bytes" } }
routes:
  archive: { match: "#", handler: { kind: file, dir: export } }
  other: { match: "#", handler: { kind: log } }
`)
			start := func() (all []*process) {
				for _, role := range roles {
					all = append(all, f.start(t, role...))
				}
				return all
			}
			all := start()
			f.says(t, "route archive is paused", "routes", "pause", "archive", "--why", "the disk\nburns", "--by", "Ada")
			for _, p := range all[len(all)/2:] { // the workers
				p.awaits(t, "/readyz", "\nroute archive is paused by a person (Ada) since ", "because: the disk burns; ")
				p.awaits(t, "/paused", `"route":"archive"`, `"reason":"person"`, `"by":"Ada"`)
				p.awaits(t, "/metrics", `hookline_worker_paused_by_person{route="archive"} 1`, `hookline_worker_paused_by_person{route="other"} 0`)
			}
			for _, p := range all {
				if code := p.stop(t); code != 0 {
					t.Errorf("exit code %d", code)
				}
			}
			all = start()
			if sent := f.run(t, "send", "alma", "job_end", "-n", "2", "--url", "http://"+all[0].listen); sent.code != 0 {
				t.Fatalf("send: %+v", sent)
			}
			f.settles(t, broker.RouteAudit{Route: "other", Accepted: 2, Done: 2})
			f.settles(t, broker.RouteAudit{Route: "archive", Accepted: 2, Waiting: 2})
			f.says(t, "the disk burns", "routes")
			f.says(t, `"why": "the disk\nburns"`, "routes", "--json")
			f.says(t, "Route archive is paused by a person (Ada) since ", "queues")
			f.says(t, "route archive is resumed; it was paused since ", "routes", "resume", "archive")
			f.settles(t, broker.RouteAudit{Route: "archive", Accepted: 2, Done: 2})
			f.says(t, "nobody has paused route archive", "routes", "resume", "archive")
			if r := f.run(t, "routes", "pause", "archiv", "--why", "typo"); r.code != 2 || !strings.Contains(r.stderr, `no route "archiv"`) {
				t.Errorf("an unknown route: %+v", r)
			}
			if r := f.run(t, "routes", "pause", "archive"); r.code != 2 || !strings.Contains(r.stderr, "--why is missing") {
				t.Errorf("without a reason: %+v", r)
			}
		})
	}
}

// settles repeats the audit until it says this of a route.
func (f folder) settles(t *testing.T, want broker.RouteAudit) {
	t.Helper()
	var last result
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		last = f.run(t, "audit", "--json")
		var found broker.Audit
		if err := json.Unmarshal([]byte(last.stdout), &found); err != nil || last.code != 0 || found.Unaccounted != 0 {
			t.Fatalf("audit: %+v, %v", last, err)
		}
		if slices.Contains(found.Routes, want) {
			return
		}
	}
	t.Fatalf("audit: %+v, want %+v", last, want)
}

// awaits looks at a path of the private listener until it has all texts.
func (p *process) awaits(t *testing.T, path string, texts ...string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		_, got := p.look(t, path)
		lacks := func(text string) bool { return !strings.Contains(got, text) }
		if !slices.ContainsFunc(texts, lacks) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %s, want %q", path, got, texts)
		}
	}
}
