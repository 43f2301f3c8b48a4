package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.yaml.in/yaml/v4"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
)

func kinds() config.MakeKinds {
	return app.Kinds(noEnv, prometheus.NewRegistry(), zap.NewNop(), nil)
}

func noEnv(string) (string, bool) { return "", false }

func parse(t *testing.T, text string) (*config.Config, error) {
	t.Helper()
	return config.Parse("hookline.yml", []byte(text), noEnv, kinds())
}

const small = `
sources:
  alma: { preset: alma, secrets: first-test-secret }
routes:
  archive: { match: "#", handler: { kind: file, dir: out } }
`

func TestDefaultsAreFilledIn(t *testing.T) {
	t.Parallel()
	c, err := parse(t, small)
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != ":8080" || c.PrivateListen != "127.0.0.1:9090" || c.Data != "data" || !c.Broker.Embedded() || c.Grace != 20*time.Second {
		t.Errorf("%+v", c)
	}
	if c.Spool.MaxBytes != 1<<30 || c.Spool.MaxAge != 72*time.Hour {
		t.Errorf("spool: %+v", c.Spool)
	}
	if c.Duplicates != 2*time.Hour {
		t.Errorf("duplicates: %v", c.Duplicates)
	}
	if s := c.Sources["alma"]; s.Deadline != 5*time.Second || s.Secrets[0].Value != "first-test-secret" || s.Handshake.Kind != "challenge-json" {
		t.Errorf("alma: %+v", s)
	}
	if r := c.Routes[0]; r.Name != "archive" || r.Concurrency != 4 || r.Timeout != 30*time.Second || r.Retry.Attempts != 20 || r.Handler == nil {
		t.Errorf("archive: %+v", r)
	}
}

func TestDuplicatesAreTurnedOffByZero(t *testing.T) {
	t.Parallel()
	for _, zero := range []string{"0", "0s", "'0'", "${NONE:-0}"} {
		c, err := parse(t, "duplicates: "+zero+"\n"+small)
		if err != nil || c.Duplicates != 0 {
			t.Errorf("%s: %+v, %v", zero, c, err)
		}
	}
}

func TestAPresetIsOverriddenKeyByKey(t *testing.T) {
	t.Parallel()
	c, err := parse(t, strings.Replace(small, "secrets: first-test-secret", "secrets: [{value: first-test-secret, label: old, not_after: 2030-01-02T03:04:05Z}, other-test-secret], deadline: 3s, verify: {signature: {in: 'header:X-Other'}}", 1))
	if err != nil {
		t.Fatal(err)
	}
	s := c.Sources["alma"]
	if s.Deadline != 3*time.Second || s.Verify.Signature.In != "header:X-Other" || s.Verify.Signature.Encoding != "base64" {
		t.Errorf("%+v", s)
	}
	if len(s.Secrets) != 2 || s.Secrets[0].Label != "old" || s.Secrets[0].NotAfter.Year() != 2030 || s.Secrets[1].Value != "other-test-secret" {
		t.Errorf("%d secrets", len(s.Secrets))
	}
}

func TestEnvironmentAndFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "secret"), "from-the-secret-file\n")
	file := filepath.Join(dir, "hookline.yml")
	write(t, file, `
listen: "${ADDRESS:-127.0.0.1:1}"
limits: { max_connections: "${CONNECTIONS}" }
sources:
  alma: { preset: alma, secrets_file: secret }
  own: { preset: token, secrets: [{ value_file: secret, label: "$${literal}" }] }
routes:
  archive: { match: "#", handler: { kind: file, dir: "${DIR}" } }
`)
	c, err := config.NewFile(file, env(map[string]string{"DIR": "x", "CONNECTIONS": "7"}), kinds()).Read()
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:1" || c.Limits.MaxConnections != 7 {
		t.Errorf("%+v", c)
	}
	if s := c.Sources["own"].Secrets[0]; c.Sources["alma"].Secrets[0].Value != "from-the-secret-file" || s.Value != "from-the-secret-file" || s.Label != "${literal}" {
		t.Error("secrets from a file are not what the file holds")
	}
}

func TestWhatAnAnchorNamesCanBeUsedAgain(t *testing.T) {
	t.Parallel()
	c, err := parse(t, `
sources:
  alma: { preset: alma, secrets: [&text hunter2-hunter2-hunter2, &one { value: hunter3-hunter3-hunter3, label: l }] }
  again: { preset: alma, secrets: [*text, *one] }
routes:
  a: { match: &match "#", where: &where "true", handler: &handler { kind: file, dir: out } }
  b: { match: *match, where: *where, handler: *handler }
`)
	if err != nil {
		t.Fatal(err)
	}
	if s := c.Sources["again"].Secrets; s[0].Value != "hunter2-hunter2-hunter2" || s[1].Label != "l" || c.Routes[1].Handler == nil || c.Routes[1].Match[0] != "#" {
		t.Errorf("%+v", c)
	}
	text, err := c.YAML()
	var shown struct {
		Routes map[string]struct{ Handler, Where string }
	}
	if err := errors.Join(err, yaml.Load(text, &shown)); err != nil || shown.Routes["b"].Handler != "file" || shown.Routes["b"].Where != "true" {
		t.Errorf("%v: shown as %s", err, text)
	}
}

func TestMergeKeysStandForTheKeysOfOthers(t *testing.T) {
	t.Parallel()
	c, err := parse(t, `
sources:
  alma: &alma { preset: alma, secrets: "$${HOME} of the test", deadline: 4s }
  again: { <<: *alma, deadline: 3s }
  clock: &clock { kind: schedule, cron: "@daily" }
  other: { <<: *clock }
routes:
  a: &a { match: "#", handler: &handler { kind: file, dir: out }, timeout: 5s }
  b: { <<: *a, handler: { <<: *handler } }
  c: { <<: [{ timeout: 6s }, *a], handler: { dir: other, <<: *handler } }
`)
	if err != nil {
		t.Fatal(err)
	}
	if s := c.Sources["again"]; s.Deadline != 3*time.Second || s.Secrets[0].Value != "${HOME} of the test" || c.Schedules["other"].Cron != "@daily" {
		t.Errorf("sources: %+v", c)
	}
	if b, c := c.Routes[1], c.Routes[2]; b.Timeout != 5*time.Second || c.Timeout != 6*time.Second {
		t.Errorf("routes: %v, %v", b.Timeout, c.Timeout)
	}
	for _, bad := range []string{"<<: 5\n" + small, "broker: &b { <<: *b }\n" + small, "broker: { <<: [1] }\n" + small} {
		if _, err := parse(t, bad); err == nil {
			t.Errorf("accepted: %s", bad)
		}
	}
}

func TestProxiesAreNetworksOrAddresses(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{"10.1.2.3/8": "[10.0.0.0/8]", "[127.0.0.1, 'fd00::/8', '::1']": "[127.0.0.1/32 fd00::/8 ::1/128]"} {
		c, err := parse(t, "trusted_proxies: "+written+"\n"+small)
		if err != nil || fmt.Sprint(c.TrustedProxies) != want {
			t.Errorf("%s: %v, %v", written, c, err)
		}
	}
}

func TestTheBuiltInConfigurationReadsItsSecretFromTheDataFolder(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	write(t, filepath.Join(data, "alma.secret"), "first-test-secret\n")
	c, err := config.NewFile("", env(map[string]string{"HOOKLINE_DATA": data}), kinds()).Read()
	if err != nil || c.Sources["alma"].Secrets[0].Value != "first-test-secret" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestShippedConfigurationsLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret, address := filepath.Join(dir, "secret"), filepath.Join(dir, "url")
	write(t, secret, "first-test-secret")
	write(t, address, "amqp://hookline:first-test-secret@rabbitmq:5672/")
	lookup := func(name string) (string, bool) {
		switch {
		case name == "RABBITMQ_URL_FILE":
			return address, true
		case strings.HasSuffix(name, "_FILE"):
			return secret, true
		default:
			return "a-test-secret-" + name, true
		}
	}
	for _, file := range []string{"../../hookline.sample.yml", "../../deployments/examples/alma-notify.yml", "../../deployments/hookline.yml", "../../deployments/kubernetes/hookline.yml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := config.Parse(file, text, lookup, kinds()); err != nil {
			t.Error(err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(small)
	f.Add("sources: &a\n  alma: *a\nroutes: ${X:-y}\n")
	f.Add("a: [\t")
	f.Fuzz(func(_ *testing.T, text string) {
		_, _ = config.Parse("hookline.yml", []byte(text), noEnv, kinds())
	})
}

func env(values map[string]string) config.Env {
	return func(name string) (string, bool) {
		v, ok := values[name]
		return v, ok
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
