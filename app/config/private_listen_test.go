package config_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/hookline/hookline/app/config"
)

func TestThePrivateAddressIsFoundInAnIncompleteFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, c := range map[string]struct{ text, want, err string }{
		"configured":            {"private_listen: 127.0.0.1:7\n", "127.0.0.1:7", ""},
		"of the environment":    {"private_listen: '127.0.0.1:${PORT}'\n", "127.0.0.1:8", ""},
		"default":               {small, config.Defaults().PrivateListen, ""},
		"beside another error":  {"private_listen: 127.0.0.1:7\nsources: { alma: { preset: none } }\n", "127.0.0.1:7", ""},
		"beside a lost secret":  {"private_listen: 127.0.0.1:7\nsources: { alma: { preset: alma, secrets_file: lost } }\n", "127.0.0.1:7", ""},
		"of a variable unset":   {"private_listen: '${UNSET}'\n", config.Defaults().PrivateListen, ""},
		"of a file without end": {"private_listen: [\n", "", "yml:"},
		"of no map":             {"- private_listen\n", "", "yml"},
	} {
		file := filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".yml")
		write(t, file, c.text)
		got, err := config.NewFile(file, env(map[string]string{"PORT": "8"}), kinds()).PrivateListen()
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if got, err := config.NewFile(filepath.Join(dir, "missing.yml"), noEnv, kinds()).PrivateListen(); got != "" || err == nil {
		t.Errorf("of a missing file: %q, %v", got, err)
	}
	if got, err := config.NewFile("", noEnv, kinds()).PrivateListen(); err != nil || got != config.Defaults().PrivateListen {
		t.Errorf("of no file: %q, %v", got, err)
	}
}
