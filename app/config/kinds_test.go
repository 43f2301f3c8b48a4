package config_test

import (
	"strings"
	"testing"
)

const library = `
sources: { alma: { preset: alma, secrets: first-test-secret } }
alma:
  main: { region: eu, key: l8xx-hidden, rate: 20, processes: 4, reserve: 1000 }
  law: { url: "https://alma.example.org", key: l8xx-hidden }
routes:
  tell:
    match: alma.job_end
    enrich: { what: user, alma: law }
    handler: { kind: notify, alma: main, text: x, email: { host: h, from: a@b } }
  post:
    match: alma.job_end
    handler: { kind: notify, text: x, url: "generic+https://example.org" }
`

func TestInstitutions(t *testing.T) {
	t.Parallel()
	c, err := parse(t, library)
	if err != nil {
		t.Fatal(err)
	}
	if a := c.Alma["main"]; a.Region != "eu" || a.Rate != 20 || a.Processes != 4 || a.Reserve != 1000 || len(c.Alma) != 2 {
		t.Errorf("%+v", a)
	}
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"main: eu, 20 requests a second over 4 processes, 1000 a day left to others", "law: https://alma.example.org, 25 requests a second", "enrich: user"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	if strings.Contains(string(text), "l8xx") {
		t.Error("shows a key")
	}
}

func TestWhatIsWrongWithInstitutionsIsNamedWhereItStands(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ old, now, want string }{
		"a region":          {"region: eu", "region: us", "hookline.yml:4:19: alma.main.region: "},
		"no key":            {", key: l8xx-hidden, rate: 20", ", rate: 20", "hookline.yml:4:9: alma.main: key: is required"},
		"too fast":          {"rate: 20", "rate: 26", "hookline.yml:4:47: alma.main.rate: "},
		"an unknown key":    {"reserve: 1000", "reserv: 1000", "alma.main.reserv: unknown key; known here: key, processes, rate, region, reserve, url"},
		"which of several":  {"alma: main, text", "text", `hookline.yml:10:14: routes.tell.handler: handler notify: alma "": must be one of law, main`},
		"another":           {"alma: law }", "alma: medical }", `hookline.yml:9:13: routes.tell.enrich: alma "medical": must be one of law, main`},
		"what":              {"what: user", "what: loan", "hookline.yml:9:21: routes.tell.enrich.what: "},
		"a service too few": {", email: { host: h, from: a@b }", "", "routes.tell.handler: handler notify: sms, email, url: at least one"},
	} {
		_, err := parse(t, strings.Replace(library, c.old, c.now, 1))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: no %q in: %v", name, c.want, err)
		}
		if err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: shows a key", name)
		}
	}
	if _, err := parse(t, strings.Replace(small, "handler:", "enrich: { what: bib }, handler:", 1)); err == nil || !strings.Contains(err.Error(), "routes.archive.enrich: alma: no institution is configured") {
		t.Error(err)
	}
}
