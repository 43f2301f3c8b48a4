package test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestCommandsNameTheMistakeAndTheNextStep(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.write(t, "bad.yml", "sources:\n  alma: { preset: alma }\nroutes:\n  a: { match: 'Alma', handler: { kind: file } }\n  b: { match: '#', handler: { kind: log }, timeout: soon }\n")
	f.write(t, "own.yml", `
sources: { alma: { preset: alma, secrets: other-test-secret }, nightly: { kind: schedule, cron: "@daily" } }
routes: { exports: { match: alma.job_end, handler: { kind: transfer, from: { local: { dir: . } }, to: { local: { dir: . } }, write: { per: batch, format: ndjson } } } }
`)
	f.write(t, "down.yml", "broker: { url: 'amqp://127.0.0.1:1/' }\nsources: { alma: { preset: alma, secrets: other-test-secret } }\nroutes: { a: { match: '#', handler: { kind: log } } }\n")
	f.write(t, "typo.yml", "sources: { alma: { preset: alma, secrets: other-test-secret } }\nroutes: { a: { match: almo.job_end, handler: { kind: log } } }\n")
	for _, c := range []struct {
		args []string
		code int
		want []string
	}{
		{[]string{}, 0, []string{"hookline run", "Look and decide:"}},
		{[]string{"nonsense"}, 2, []string{`unknown command "nonsense"`, "Try: hookline --help"}},
		{[]string{"run", "--nonsense"}, 2, []string{"Try: hookline run --help"}},
		{[]string{"run", "--log-level", "loud"}, 2, []string{"use debug, info, warn or error"}},
		{[]string{"worker"}, 2, []string{"use `hookline run`"}},
		{[]string{"send", "alma", "job_end"}, 2, []string{"start `hookline run` here first"}},
		{[]string{"queues"}, 2, []string{"start `hookline run` here first"}},
		{[]string{"config", "show"}, 2, []string{"start `hookline run` here first"}},
		{[]string{"send", "alma"}, 2, []string{"give exactly one of"}},
		{[]string{"config", "check", "bad.yml"}, 2, []string{
			"bad.yml:2:9: sources.alma: secrets is missing",
			"bad.yml:4:32: routes.a.handler: dir is missing",
			`bad.yml:5:53: routes.b.timeout: "soon" is not a duration`,
		}},
		{[]string{"config", "check", "typo.yml"}, 0, []string{`warning: typo.yml:2:23: routes.a.match: there is no source "almo"`, "typo.yml: ok: 1 source, 1 route"}},
		{[]string{"config", "check", "missing.yml"}, 2, []string{"missing.yml does not exist; `hookline config show --default > missing.yml` begins one"}},
		{[]string{"rum"}, 2, []string{`unknown command "rum"`, "did you mean run?"}},
		{[]string{"dead", "shw"}, 2, []string{"did you mean show?"}},
		{[]string{"dead", "show", "exports"}, 2, []string{"ID is missing", "Usage: hookline dead show ROUTE ID"}},
		{[]string{"transfer", "a", "b"}, 2, []string{"wrong number of arguments: 2"}},
		{[]string{"-c", "down.yml", "queues"}, 1, []string{nothingListens}},
		{[]string{"-c", "down.yml", "dead", "list"}, 1, []string{nothingListens}},
		{[]string{"-c", "down.yml", "dead", "list", "--group"}, 1, []string{nothingListens}},
		{[]string{"-c", "down.yml", "dead", "replay", "a", "--all"}, 1, []string{nothingListens}},
		{[]string{"-c", "down.yml", "unrouted", "list"}, 1, []string{nothingListens}},
		{[]string{"-c", "down.yml", "audit"}, 1, []string{nothingListens}},
		{[]string{"-c", "down.yml", "audit", "--wait", "1s"}, 1, []string{nothingListens}},
		{[]string{"-c", "down.yml", "forget", "--match", "4711", "--dry-run"}, 1, []string{nothingListens}},
		{[]string{"-c", "down.yml", "topology", "plan"}, 1, []string{nothingListens}},
		{[]string{"-c", "down.yml", "topology", "unbind", "gone", "alma.#"}, 1, []string{nothingListens}},
		{[]string{"-c", "down.yml", "topology", "retire", "gone"}, 1, []string{nothingListens}},
		{[]string{"-c", "own.yml", "send", "alma", "job_end", "--url", "http://127.0.0.1:1"}, 1, []string{"(is it running? name its address with --url)"}},
		{[]string{"-c", "own.yml", "send", "alma", "--file", "nope.json"}, 2, []string{"--file: open nope.json"}},
		{[]string{"-c", "own.yml", "send", "alma", "job_end", "--format", "yaml"}, 2, []string{`--format "yaml": use json or xml`}},
		{[]string{"config", "show", "--default"}, 0, []string{"preset: alma"}},
		{[]string{"version"}, 0, []string{"hookline dev (", "go1."}},
		{[]string{"health", "--url", "http://127.0.0.1:1/readyz"}, 1, []string{"is it running"}},
		{[]string{"doctor", "alma", "--url", "localhost:18080"}, 2, []string{"begin the URL with https://"}},
		{[]string{"send", "alma", "job_end", "--url", "localhost:18080"}, 2, []string{"begin the URL with https://"}},
		{[]string{"-c", "own.yml", "send", "nightly", "reconcile"}, 2, []string{`"nightly" is a schedule`}},
		{[]string{"-c", "own.yml", "send", "alma", "job_end", "-n", "0"}, 2, []string{"--count", "at least 1"}},
		{[]string{"-c", "own.yml", "send", "alma", "job_end", "--count", "-5"}, 2, []string{"--count", "at least 1"}},
		{[]string{"-c", "own.yml", "dead", "list", "--limit", "0"}, 2, []string{"--limit", "at least 1"}},
		{[]string{"-c", "own.yml", "transfer", "exports", "--job", "1"}, 1, []string{"--link NAME"}},
		{[]string{"completion", "bash"}, 0, []string{"bash completion V2 for hookline"}},
	} {
		r := f.run(t, c.args...)
		for _, want := range c.want {
			if r.code != c.code || !strings.Contains(r.stdout+r.stderr, want) {
				t.Errorf("hookline %s: exit code %d, want %d with %q:\n%s%s", strings.Join(c.args, " "), r.code, c.code, want, r.stdout, r.stderr)
			}
		}
	}
}

func TestReadingTheBrokerNeedsNoSecrets(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.write(t, "hookline.yml", `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
alma: { main: { region: eu, key_file: "${CREDENTIALS_DIRECTORY}/key" } }
sources: { alma: { preset: alma, secrets_file: "${CREDENTIALS_DIRECTORY}/alma" } }
routes:
  a: { match: "#", handler: { kind: http, url: "https://example.org/", headers: { Authorization: "${TOKEN}" } } }
  b: { match: alma.none, enrich: { what: user }, handler: { kind: log } }
`)
	f.write(t, "alma", "first-test-secret\n")
	f.write(t, "key", "key\n")
	service := folder{f.dir, append(slices.Clone(f.env), "CREDENTIALS_DIRECTORY="+f.dir, "TOKEN=x")}
	service.start(t, "run")
	for _, args := range [][]string{{"queues"}, {"dead", "list"}, {"unrouted", "list"}, {"audit"}} {
		if r := f.run(t, args...); r.code != 0 {
			t.Errorf("hookline %v: %+v", args, r)
		}
	}
	if r := f.run(t, "config", "check"); r.code != 2 || !strings.Contains(r.stderr, "CREDENTIALS_DIRECTORY") {
		t.Errorf("config check: %+v", r)
	}
}

func TestAMissingDatabaseIsNamedWithItsWholePath(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.write(t, "hookline.yml", "data: kept\nsources: { alma: { preset: alma, secrets: first-test-secret } }\nroutes: { a: { match: '#', handler: { kind: log } } }\n")
	elsewhere := folder{t.TempDir(), f.env}
	if r := elsewhere.run(t, "-c", filepath.Join(f.dir, "hookline.yml"), "queues"); r.code != 1 || !strings.Contains(r.stderr, filepath.Join(elsewhere.dir, "kept", "line.db")) {
		t.Errorf("%+v", r)
	}
}

func TestReadsPrintJSON(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	p := f.start(t, "run")
	f.run(t, "send", "alma", "job_end", "--url", "http://"+p.listen)
	for _, args := range [][]string{
		{"queues", "--json"}, {"dead", "list", "--json"}, {"unrouted", "list", "--json"}, {"config", "show", "--json"}, {"config", "schema"}, {"version", "--json"},
		{"send", "alma", "--list", "--json"}, {"send", "alma", "--challenge", "--json", "--url", "http://" + p.listen},
	} {
		r := f.run(t, args...)
		if r.code != 0 || !json.Valid([]byte(r.stdout)) {
			t.Errorf("hookline %s: %+v", strings.Join(args, " "), r)
		}
	}
	f.refusesUnknownRoutes(t)
	for _, args := range [][]string{{"dead", "replay", "archive", "x"}, {"dead", "discard", "archive", "x"}, {"unrouted", "replay", "x"}} {
		if r := f.run(t, args...); r.code != 1 || !strings.Contains(r.stderr, "1 of the 1 IDs") || r.stdout != "" {
			t.Errorf("hookline %v: %+v", args, r)
		}
	}
}

// refusesUnknownRoutes passes an unknown route to every command that takes a route.
func (f folder) refusesUnknownRoutes(t *testing.T) {
	t.Helper()
	for _, args := range [][]string{{"dead", "list", "archiv"}, {"dead", "show", "archiv", "x"}, {"dead", "replay", "archiv", "--all"},
		{"dead", "discard", "archiv", "x"}, {"transfer", "archiv", "--job", "1"}} {
		if r := f.run(t, args...); r.code != 2 || !strings.Contains(r.stderr, "archiv") || r.stdout != "" {
			t.Errorf("hookline %v: %+v", args, r)
		}
	}
}

func TestHealthAsksThePrivateListenerOfTheConfiguration(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	p := f.start(t, "run")
	f.write(t, "hookline.yml", "private_listen: "+p.private+"\nsources: { alma: { preset: alma, secrets_file: '${CREDENTIALS_DIRECTORY}/alma' } }\n")
	f.write(t, "broken.yml", "a: [\n")
	for _, args := range [][]string{{"health"}, {"health", "--url", "http://" + p.private}, {"-c", "broken.yml", "health", "--url", "http://" + p.private + "/readyz"}} {
		if r := f.run(t, args...); r.code != 0 || r.stdout != "ok\n" {
			t.Errorf("hookline %v: %+v", args, r)
		}
	}
	if r := f.run(t, "health", "--url", p.private); r.code != 2 || !strings.Contains(r.stderr, "http://localhost:8080") {
		t.Errorf("an address without http: %+v", r)
	}
}

func TestASecondRunInTheSameFolderIsRefused(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.start(t, "run")
	if r := f.run(t, "run"); r.code != 1 || !strings.Contains(r.stderr, "line.db") {
		t.Errorf("%+v", r)
	}
}
