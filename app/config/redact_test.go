package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/privacy"
)

const redacting = `
redact_key_file: redact.key
sources:
  alma: { preset: alma, secrets: first-test-secret, redact: alma-patrons }
  shop: { preset: token, secrets: first-test-secret }
routes:
  archive:
    match: "#"
    redact: { set: alma-patrons, drop: [a.*], mask: ["b"], keep: [a.b], hash: [item_loan.title] }
    handler: { kind: file, dir: out }
`

func TestRedactIsOneWordOrRules(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hookline.yml")
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), "redact.key"), []byte(strings.Repeat("keykey", 6)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse(file, []byte(redacting), noEnv, kinds())
	if err != nil {
		t.Fatal(err)
	}
	if c.Sources["shop"].Redact != nil {
		t.Error("redacts where nothing is said")
	}
	redactor, err := privacy.New(*c.Sources["alma"].Redact)
	if err != nil {
		t.Fatal(err)
	}
	e, err := redactor.Event(event.Event{Data: []byte(`{"item_loan":{"user_id":"sample.patron","link":"/users/sample.patron"}}`)})
	if err != nil || strings.Contains(string(e.Data), "patron") || e.Header[privacy.Header] != "hash item_loan.user_id, drop item_loan.*" && e.Header[privacy.Header] != "drop item_loan.*, hash item_loan.user_id" {
		t.Errorf("%v %s %s", err, e.Data, e.Header)
	}
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"redact: alma-patrons\n", "redact: alma-patrons, drop a.*, hash item_loan.title, mask b, keep a.b"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	if strings.Contains(string(text), "keykey") {
		t.Error("shows the key")
	}
}

func TestWhatIsWrongWithRedactIsNamedWhereItStands(t *testing.T) {
	t.Parallel()
	text := strings.Replace(redacting, "redact_key_file: redact.key", `redact_key: "`+strings.Repeat("keykey", 6)+`"`, 1)
	for name, c := range map[string]struct{ old, now, want string }{
		"no key":        {`redact_key: "` + strings.Repeat("keykey", 6) + `"`, "", "sources.alma.redact: something is hashed, so redact_key is needed"},
		"a short key":   {strings.Repeat("keykey", 6), "keykey", "redact_key: minLength: got 6, want 32"},
		"no set":        {"redact: alma-patrons", "redact: patrons", `hookline.yml:4:61: sources.alma.redact: set "patrons": there is alma-patrons`},
		"another set":   {"set: alma-patrons", "set: patrons", "routes.archive.redact.set: "},
		"an empty word": {"redact: alma-patrons", `redact: ""`, "sources.alma.redact: says nothing"},
		"no path":       {"keep: [a.b]", `keep: ["a..b"]`, `routes.archive.redact: keep: "a..b" is not a path`},
		"twice":         {"keep: [a.b]", `keep: ["a.*"]`, `routes.archive.redact: keep: "a.*" is there twice`},
		"a verb":        {"keep: [a.b]", "hide: [a.b]", "routes.archive.redact.hide: unknown key; known here: drop, hash, keep, mask, set"},
	} {
		_, err := parse(t, strings.Replace(text, c.old, c.now, 1))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: no %q in: %v", name, c.want, err)
		}
		if err != nil && strings.Contains(err.Error(), "keykey") {
			t.Errorf("%s: shows the key", name)
		}
	}
}
