package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hookline/hookline/app/config"
)

func TestSecretsAreNeverShown(t *testing.T) {
	t.Parallel()
	c, err := parse(t, "broker: { url: 'amqp://user:hunter2@host/' }\n"+strings.Replace(small, "first", "hunter3", 1))
	if err != nil {
		t.Fatal(err)
	}
	text, err := c.YAML()
	shown, showErr := c.Show()
	all := string(text) + fmt.Sprintf("%+v %+v %+v", shown, *c, c.Sources)
	if err != nil || showErr != nil || strings.Contains(all, "hunter") {
		t.Errorf("%v %v %s", err, showErr, all)
	}
}

// TestProblemsNeverRepeatASecret puts one where each kind of error would find it.
func TestProblemsNeverRepeatASecret(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	dir := t.TempDir()
	write(t, filepath.Join(dir, "secret"), secret+"\n")
	for _, text := range []string{
		strings.Replace(small, "first", "{ a: hunter2 }", 1),
		strings.Replace(small, "first", "[{ value: hunter2, not_after: soon }]", 1),
		strings.Replace(small, "first", "[{ value: [hunter2] }]", 1),
		strings.Replace(small, "first", "[hunter2, [hunter2]]", 1),
		strings.Replace(small, "preset: alma, secrets: first-test-secret", "preset: standard-webhooks, secrets: hunter2", 1),
		strings.Replace(small, "secrets: first-test-secret", "secrets_file: secret, secret: x", 1),
		strings.Replace(small, "secrets: first-test-secret", "secrets: other-test-secret, deadline_file: secret", 1),
		strings.Replace(small, "secrets: first-test-secret", `secrets: other-test-secret, deadline: "${SECRET}"`, 1),
		strings.Replace(small, "kind: file, dir: out", `kind: http, url: "http://user:hunter2@ho st/"`, 1),
		strings.Replace(small, "kind: file, dir: out", `kind: http, url: "https://h/", headers: { Authorization: "hunter2\n" }`, 1),
		strings.Replace(small, "kind: file, dir: out", `kind: http, url: "https://h/", sign: { preset: alma, secret: [hunter2] }`, 1),
		strings.Replace(small, "kind: file, dir: out", `kind: exec, command: [x], env: { A: "hunter2\0" }`, 1),
		"broker: { url: 'amqp://user:hunter2@ho st/' }\n" + small,
		"broker: { url: ['amqp://a/', 'http://user:hunter2@h/'] }\n" + small,
		"tls: { cert: hunter2, key: hunter2 }\n" + small,
	} {
		_, err := config.Parse(filepath.Join(dir, "hookline.yml"), []byte(text), env(map[string]string{"SECRET": secret}), kinds())
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s\n%v", text, err)
		}
	}
}

// TestSystemdCredentials: LoadCredential= puts files into a folder that $CREDENTIALS_DIRECTORY names.
func TestSystemdCredentials(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "alma"), "from-systemd-credentials\n")
	text := strings.Replace(small, "secrets: first-test-secret", `secrets_file: "${CREDENTIALS_DIRECTORY}/alma"`, 1)
	c, err := config.Parse("/etc/hookline/hookline.yml", []byte(text), env(map[string]string{"CREDENTIALS_DIRECTORY": dir}), kinds())
	if err != nil || c.Sources["alma"].Secrets[0].Value != "from-systemd-credentials" {
		t.Errorf("%v", err)
	}
}

func TestAKnownSecretIsRefusedUnlessTheOperatorInsists(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"change-me", "x", "1"} {
		text := strings.Replace(small, "first-test-secret", `"`+value+`"`, 1)
		_, err := parse(t, text)
		if err == nil || !strings.Contains(err.Error(), "sources.alma.secrets: secret \"1\" is ") || !strings.Contains(err.Error(), "weak_secrets: true") {
			t.Errorf("%q: %v", value, err)
		}
		c, err := parse(t, strings.Replace(text, "{ preset: alma,", "{ preset: alma, weak_secrets: true,", 1))
		if err != nil {
			t.Fatal(err)
		}
		if w := c.Warnings(); len(w) != 1 || !strings.Contains(w[0].Error(), "sources.alma.weak_secrets: secret \"1\" is ") {
			t.Errorf("%q: warnings %v", value, w)
		}
		if shown, err := c.YAML(); err != nil || !strings.Contains(string(shown), "weak_secrets: true") {
			t.Errorf("%q: %v, shown as %s", value, err, shown)
		}
	}
}

// TestASecretFileInAnotherEncodingIsRefused has files as editors and shells on Windows write them.
func TestASecretFileInAnotherEncodingIsRefused(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"UTF-8 with a mark": "\xef\xbb\xbffirst-test-secret\r\n", "UTF-16": "\xff\xfef\x00i\x00", "UTF-16, big end first": "\xfe\xff\x00f\x00i",
		"UTF-16 without a mark": "f\x00i\x00r\x00s\x00t\x00",
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "alma"), content)
		_, err := config.Parse(filepath.Join(dir, "hookline.yml"), []byte(strings.Replace(small, "secrets: first-test-secret", "secrets_file: alma", 1)), noEnv, kinds())
		if err == nil || !strings.Contains(err.Error(), "sources.alma.secrets_file: "+filepath.Join(dir, "alma")+" is not plain UTF-8: save it again") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAMissingFileOfASecretIsNamedOnceWithTheCommandThatMakesIt(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hookline.yml")
	_, err := config.Parse(file, config.DefaultText(), noEnv, kinds())
	secret := filepath.Join(filepath.Dir(file), "data", "alma.secret")
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "`hookline config secret "+secret+"`") {
		t.Fatalf("%v", err)
	}
	if err := os.Mkdir(filepath.Dir(secret), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, secret, "first-test-secret")
	if _, err := config.Parse(file, config.DefaultText(), noEnv, kinds()); err != nil {
		t.Errorf("with the secret: %v", err)
	}
}
