package config_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hookline/hookline/app/config"
)

func TestEveryErrorIsReportedAtOnceWithItsLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"schema": {`sources:
  alma:
    preset: almma
    secrets: first-test-secret
    timeout: 5s
routes:
  archive:
    match: "#"
    handler: { kind: file, dir: out, pth: x }
    retry: { first: soon }
    concurrency: 0
`, []string{
			"hookline.yml:3:13: sources.alma.preset: ", "'alma', 'github'",
			"hookline.yml:5:5: sources.alma.timeout: unknown key; known here: deadline, event,",
			"hookline.yml:9:38: routes.archive.handler.pth: unknown key; known here: dir, kind, metadata, path",
			`hookline.yml:10:21: routes.archive.retry.first: "soon" is not a duration such as 500ms`,
			"hookline.yml:11:18: routes.archive.concurrency: ",
		}},
		"meaning": {`listen: nowhere
sources:
  alma:
    preset: alma
  stripe:
    preset: stripe
    secrets: "${STRIPE_SECRET}"
  hooks:
    preset: standard-webhooks
    secrets: "whsec_!!"
routes:
  a:
    match: ["Alma.JOB_END"]
    where: 'actoin == "x"'
    handler: { kind: fil }
`, []string{
			"hookline.yml:1:9: listen: ",
			"hookline.yml:4:5: sources.alma: secrets is missing",
			"hookline.yml:7:14: sources.stripe.secrets: the environment variable STRIPE_SECRET is not set",
			"sources.hooks",
			`hookline.yml:13:12: routes.a.match: route "a": pattern "Alma.JOB_END"`,
			"hookline.yml:14:12: routes.a.where: ", "actoin",
			`hookline.yml:15:14: routes.a.handler: no handler of kind "fil"; there are exec, file, http, log`,
		}},
		"top": {"lisen: ':1'\n" + small, []string{"hookline.yml:1:1: lisen: unknown key; known here: alma, broker, console, data, duplicates, grace, journal,"}},
		"several of one": {"sources: { alma: { preset: alma, secrets: other-test-secret } }\nroutes: { a: { match: ['A', 'b..c'], handler: { kind: log } }, b: { match: a, handler: { kind: http, url: x, sign: { secret: '!' } } } }\n",
			[]string{`alma.job_end); route "a": pattern "b..c"`, "https://host/...; sign.secret: "}},
		"addresses": {"listen: '127.0.0.1:99999'\nprivate_listen: ':9090'\npublic_url: hooks.example.org\ndata: ''\n" + small,
			[]string{"hookline.yml:1:9: listen: ", "hookline.yml:3:13: public_url: ", "hookline.yml:4:7: data: "}},
		"tabs":     {"sources:\n\talma: {}\n", []string{"hookline.yml:2:", "spaces, not tabs"}},
		"twice":    {"listen: ':1'\nlisten: ':2'\nsources: {}\nroutes: {}\n", []string{"hookline.yml:2:", "listen"}},
		"no file":  {"", []string{"hookline.yml: is empty"}},
		"a list":   {"- a\n", []string{"expected a mapping"}},
		"nothing":  {"listen: ':1'\n", []string{"sources, routes is missing"}},
		"bad name": {"sources: { A.b: { preset: alma, secrets: other-test-secret } }\nroutes: { a: { match: a, handler: { kind: log } } }\n", []string{`hookline.yml:1:12: sources.A.b: "A.b" is not a name: 1 to 63 of`}},
		"how to write it": {"listen: 8080\n" + strings.Replace(small, "kind: file, dir: out }", "kind: exec, command: /bin/true -x }, timeout: 30, retry: { first: 5 }", 1), []string{
			"hookline.yml:1:9: listen: is of type number, want string; put it in quotes", "command: is of type string, want array; write a list",
			"timeout: is of type number, want string; write a duration such as 500ms, 30s", "retry.first: is of type number, want string; write a duration"}},
		"both":     {"sources: { alma: { preset: alma, secrets: other-test-secret, secrets_file: y } }\nroutes: { a: { match: a, handler: { kind: log } } }\n", []string{"secrets is given as well"}},
		"amqp":     {"broker: { url: 'http://x' }\n" + small, []string{"broker.url: is neither embedded nor an address"}},
		"tls":      {"broker: { url: 'amqps://x', ca: nonsense }\n" + small, []string{"ca holds no PEM certificate"}},
		"proxies":  {"trusted_proxies: [10.0.0.0/8, 127.0.0.1, proxy]\n" + small, []string{`trusted_proxies: "proxy" is neither a network`}},
		"half TLS": {"tls: { cert: x }\n" + small, []string{"hookline.yml:1:6: tls: key is missing"}},
		"bad TLS":  {"tls: { cert: x, key: y }\n" + small, []string{"tls: cert and key: "}},
		"no memory": {"limits: { max_memory: 2097152 }\nsources: { github: { preset: github, secrets: other-test-secret } }\nroutes: { a: { match: a, handler: { kind: log } } }\n",
			[]string{"hookline.yml:1:23: limits.max_memory: is less than the largest body of source github"}},
		"spool": {"spool: { max_bytes: 5, max_age: 0s }\n" + strings.Replace(small, "secrets: first-test-secret", "secrets: first-test-secret, when_down: wait", 1), []string{"spool.max_bytes: ", "spool.max_age: must be more than 0", "sources.alma.when_down: ", "'spool', 'refuse'"}},
		"schedule": {"sources:\n  a: { kind: schedule, cron: 61 * * * *, zone: Vienna }\n  b: { kind: schedule, corn: '@daily' }\n  c: { kind: cron }\n  d: { preset: alma, secrets: other-test-secret, cron: '@daily' }\nroutes: { a: { match: a, handler: { kind: log } } }\n",
			[]string{"hookline.yml:3:24: sources.b.corn: unknown key; known here: action, cron, data, kind, zone", "hookline.yml:4:14: sources.c.kind: ", "'webhook', 'schedule'", "hookline.yml:5:50: sources.d.cron: unknown key"}},
		"times": {"sources:\n  a: { kind: schedule, cron: 61 * * * *, zone: Vienna, data: { due: now } }\nroutes: { a: { match: a, handler: { kind: log } } }\n",
			[]string{"hookline.yml:2:30: sources.a.cron: end of range (61) above maximum (59)", `hookline.yml:2:48: sources.a.zone: "Vienna" is no time zone`, "sources.a.data: "}},
		"too large for RabbitMQ": {"broker: { url: 'amqp://x' }\n" + strings.Replace(small, "secrets: first-test-secret", "secrets: first-test-secret, max_body: 16777217", 1),
			[]string{"hookline.yml:4:63: sources.alma.max_body: is more than the 16777216 bytes that RabbitMQ takes"}},
		"no unit":   {"duplicates: 10\n" + small, []string{"hookline.yml:1:13: duplicates: "}},
		"negative":  {"duplicates: -1m\n" + small, []string{"hookline.yml:1:13: duplicates: "}},
		"list type": {"broker: { url: { a: b } }\n" + small, []string{"broker.url: is of type object, want string or array"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(t, c.text)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in:\n%v", want, err)
				}
			}
			var p config.Problem
			if !errors.As(err, &p) || p.File != "hookline.yml" {
				t.Errorf("not a Problem: %v", err)
			}
		})
	}
}

func TestAWrongNameIsReportedOnceWhereItStands(t *testing.T) {
	t.Parallel()
	_, err := parse(t, "sources:\n  A b: { preset: alma, secrets: other-test-secret }\nroutes:\n  C d: { match: '#', handler: { kind: log } }\n")
	want := `hookline.yml:2:3: sources.A b: "A b" is not a name: 1 to 63 of the characters a-z 0-9 _ -
hookline.yml:4:3: routes.C d: "C d" is not a name: 1 to 100 of the characters a-z 0-9 _ -`
	if err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}

func TestWhatTheSchemaRefusesHidesNothingElse(t *testing.T) {
	t.Parallel()
	_, err := parse(t, `sources:
  alma:
    preset: almma
    timeout: 5s
    secrets: []
  github: { preset: github, max_bod: 5, when_down: spool, deadline: 2h }
  clock: { kind: schedule, corn: x, cron: 61 * * * * }
routes:
  archive:
    match: "A.b"
    where: 'actoin == "x"'
    handler: { kind: http, url: x }
    concurrency: 0
  other:
    match: "#"
    handler: { kind: file, pth: x }
`)
	for _, want := range []string{
		":3:13: sources.alma.preset: ", ":4:5: sources.alma.timeout: ", ": sources.alma.secrets: ",
		": sources.github.max_bod: ", ": sources.github.deadline: ", ": sources.github: secrets is missing",
		": sources.clock.corn: ", ": sources.clock.cron: end of range",
		`:10:12: routes.archive.match: `, ":11:12: routes.archive.where: ", ":12:14: routes.archive.handler: ", ":13:18: routes.archive.concurrency: ",
		": routes.other.handler.pth: ", ": routes.other.handler: dir is missing",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in:\n%v", want, err)
		}
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != 16 { // the text of where has two more lines
		t.Errorf("%d problems:\n%v", n, err)
	}
}

func TestEveryErrorOfARouteIsReportedAtOnceWithItsOwnLine(t *testing.T) {
	t.Parallel()
	_, err := parse(t, `sources: { alma: { preset: alma, secrets: other-test-secret } }
routes:
  a:
    match: "A.b"
    where: 'actoin == "x"'
    enrich: { what: user, alma: nowhere }
    redact: { drop: ["a..b"] }
    handler: { kind: fil }
    concurrency: 1001
    timeout: 10m
    retry: { first: 2h }
    pause:
      first: 2m
      max: 1m
`)
	for _, want := range []string{
		":4:12: routes.a.match: ", ":5:12: routes.a.where: ", ":6:13: routes.a.enrich: ", ":7:13: routes.a.redact: ", ":8:14: routes.a.handler: ",
		":9:18: routes.a.concurrency: ", ":10:14: routes.a.timeout: is 10m0s; must be more than 0 and at most 9m0s",
		":11:12: routes.a.retry.max: is 1h0m0s; must be retry.first (2h0m0s) to 24h0m0s", ":14:12: routes.a.pause.max: is 1m0s; must be pause.first (2m0s) to 24h0m0s",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in:\n%v", want, err)
		}
	}
}

func TestAnExternalRouteHasRabbitMQAndNoHandler(t *testing.T) {
	t.Parallel()
	const frame = "broker: { url: %s }\nsources: { alma: { preset: alma, secrets: first-test-secret } }\nroutes: { mine: { match: '%s', external: true%s } }\n"
	for _, c := range []struct{ url, match, more, want string }{
		{"amqp://rabbit", "alma.#", "", ""},
		{"embedded", "alma.#", "", "routes.mine.external: needs RabbitMQ"},
		{"amqp://rabbit", "alma.#", ", handler: { kind: log }", "routes.mine.handler: unknown key; known here: external, match"},
		{"amqp://rabbit", "alma..x", "", "routes.mine.match: "},
	} {
		_, err := parse(t, fmt.Sprintf(frame, c.url, c.match, c.more))
		if text := fmt.Sprint(err); c.want == "" && err != nil || !strings.Contains(text, c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
