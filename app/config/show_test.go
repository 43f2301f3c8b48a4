package config_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/hookline/hookline/app/config"
)

// TestShowKeepsItsShape: programs read `config show --json`, so its keys and forms stay.
func TestShowKeepsItsShape(t *testing.T) {
	t.Parallel()
	c, err := config.Parse("hookline.yml", []byte(`
broker: { url: ["amqp://user:hunter2@one/", "amqp://two/"] }
public_url: https://hooks.example.org
trusted_proxies: 10.0.0.0/8
redact_key: "0123456789abcdef0123456789abcdef"
alma: { main: { region: eu, key: hunter2 } }
sources:
  alma: { preset: alma, secrets: [{ value: hunter2-hunter2-hunter2, label: old, not_after: 2030-01-02T03:04:05Z }, hunter2-hunter2-hunter2], redact: alma-patrons }
  meta: { preset: meta, secrets: hunter2-hunter2-hunter2, handshake: { verify_token: hunter2 }, rate: { per_second: 5 } }
  nightly: { kind: schedule, cron: '@daily' }
routes:
  archive:
    match: alma.job_end
    where: 'attempt == 1'
    enrich: { what: user }
    redact: { drop: [a] }
    handler: { kind: http, url: "https://user:hunter2@example.org/", headers: { Authorization: hunter2 } }
  never: { match: ["#"], handler: { kind: log }, pause: { of: 0 } }
`), noEnv, kinds())
	if err != nil {
		t.Fatal(err)
	}
	shown, err := c.Show()
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(shown)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{
		"file": "hookline.yml", "listen": ":8080", "private_listen": "127.0.0.1:9090", "public_url": "https://hooks.example.org",
		"trusted_proxies": ["10.0.0.0/8"], "data": "data", "grace": "20s", "duplicates": "2h0m0s", "redact_key": "(hidden)",
		"broker": ["amqp://user:xxxxx@one/", "amqp://two/"], "spool": "at most 1073741824 bytes, until the oldest event is 72h0m0s old",
		"alma": { "main": "eu, 25 requests a second over 1 processes, 0 a day left to others" },
		"sources": {
			"alma": { "preset": "alma", "secrets": ["old until 2030-01-02T03:04:05Z", "(hidden)"], "path": "/webhooks/alma", "scheme": "hmac",
				"deadline": "5s", "max_body": 1048576, "when_down": "refuse", "redact": "alma-patrons", "handshake": { "kind": "challenge-json" } },
			"meta": { "secrets": ["(hidden)"], "rate": "5/s", "handshake": { "verify_token": "(hidden)" } }
		},
		"schedules": { "nightly": "nightly.due at @daily UTC" },
		"routes": {
			"archive": { "match": ["alma.job_end"], "where": "attempt == 1", "enrich": "user", "redact": "drop a", "handler": "http",
				"concurrency": 4, "timeout": "30s", "retry": "20 attempts, 1s to 1h0m0s apart",
				"pause": "when 0.8 of the latest 20 events fail, 10s to 10m0s" },
			"never": { "match": ["#"], "handler": "log" }
		}
	}`
	var wanted, found map[string]any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(got, &found); err != nil {
		t.Fatal(err)
	}
	holds(t, "", found, wanted)
	if _, pauses := found["routes"].(map[string]any)["never"].(map[string]any)["pause"]; pauses {
		t.Error("a route that never pauses shows a pause")
	}
}

// holds checks the values of want in got, which may have more keys.
func holds(t *testing.T, path string, got, want any) {
	t.Helper()
	if keys, ok := want.(map[string]any); ok {
		found, _ := got.(map[string]any)
		for key, value := range keys {
			holds(t, path+"."+key, found[key], value)
		}
		return
	}
	g, _ := json.Marshal(got)
	w, _ := json.Marshal(want)
	if string(g) != string(w) {
		t.Errorf("%s is %s, want %s", path, g, w)
	}
}

// TestShowHasTheSpoolAndExternalRoutesOfRabbitMQ has a configuration for each broker: the embedded one has no spool.
func TestShowHasTheSpoolAndExternalRoutesOfRabbitMQ(t *testing.T) {
	t.Parallel()
	for broker, rabbit := range map[string]bool{"embedded": false, "amqp://host/": true} {
		text := "broker: { url: '" + broker + "' }\n" + small
		if rabbit {
			text += "  theirs: { match: 'alma.#', external: true }\n"
		}
		c, err := parse(t, text)
		if err != nil {
			t.Fatal(err)
		}
		shown, err := c.Show()
		if err != nil {
			t.Fatal(err)
		}
		if _, found := shown["spool"]; found != rabbit {
			t.Errorf("%s: the spool is shown: %t", broker, found)
		}
		routes, err := json.Marshal(shown["routes"])
		if err != nil || strings.Contains(string(routes), `"theirs":{"external":true,"match":["alma.#"]}`) != rabbit {
			t.Errorf("%s: %s, %v", broker, routes, err)
		}
	}
}

func TestTheAddressOfManagementIsChecked(t *testing.T) {
	t.Parallel()
	for address, ok := range map[string]bool{
		"http://u:p@host:15672": true, "https://u:p@host": true, "": true,
		"http://host:15672": false, "ftp://u:p@host": false, "http://u:p@": false, "u:p@host": false, "http://u:p@ho st/": false,
	} {
		_, err := parse(t, "broker: { url: 'amqp://host/', management: '"+address+"' }\n"+small)
		if (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestAnEmptyWhereChoosesEveryEvent(t *testing.T) {
	t.Parallel()
	for where, none := range map[string]bool{"''": true, "attempt == 1": false} {
		c, err := parse(t, strings.Replace(small, `match: "#",`, `match: "#", where: `+where+`,`, 1))
		if err != nil || (c.Routes[0].Where == nil) != none {
			t.Errorf("where: %s: %v", where, err)
		}
	}
}
