package test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestConfigSecretPrintsANewSecretOnly calls the command again, as each start of a container does.
func TestConfigSecretPrintsANewSecretOnly(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	for _, c := range []struct {
		args  []string
		shown bool
		says  string
	}{
		{[]string{"new"}, true, "stored in new"},
		{[]string{"new"}, false, "has a secret already; --show prints it"},
		{[]string{"new", "--show"}, true, "stored in new"},
		{[]string{"quiet", "--quiet"}, false, "has a new secret; --show prints it"},
		{[]string{"quiet", "--quiet"}, false, "has a secret already"},
	} {
		r := f.run(t, append([]string{"config", "secret"}, c.args...)...)
		secret, err := os.ReadFile(filepath.Join(f.dir, c.args[0]))
		if err != nil {
			t.Fatal(err)
		}
		out := r.stdout + r.stderr
		if shown := strings.Contains(out, strings.TrimSpace(string(secret))); r.code != 0 || shown != c.shown || !strings.Contains(out, c.says) {
			t.Errorf("config secret %v: exit code %d, secret shown: %v, want %v and %q:\n%s", c.args, r.code, shown, c.shown, c.says, out)
		}
	}
}

// TestFilesHaveNoDefaultSecrets reads each file of the repository that people copy.
func TestFilesHaveNoDefaultSecrets(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../hookline*.yml")
	for _, pattern := range []string{"../README.md", "../docker-compose.yml", "../.env.example", "../docs/*/*.md", "../deployments/*", "../deployments/*/*"} {
		more, globErr := filepath.Glob(pattern)
		if files = append(files, more...); err == nil {
			err = globErr
		}
	}
	if err != nil || len(files) < 50 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	secret := regexp.MustCompile(`\$\{\w*(SECRET|PASSWORD|TOKEN|KEY):-[^}]+\}|(?m)^\w*PASSWORD=[a-z]+$`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // a folder
		}
		for _, found := range secret.FindAllString(string(text), -1) {
			t.Errorf("%s has a default secret: %s", file, found)
		}
	}
}
