package test

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestAMissingEventIsToldAndOneThatComesEndsIt lets the clock run: an event is expected every second.
func TestAMissingEventIsToldAndOneThatComesEndsIt(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.write(t, "hookline.yml", `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
journal: { enabled: true }
sources: { alma: { preset: alma, secrets: "${ALMA_WEBHOOK_SECRET}" } }
routes:
  nightly: { match: "#", where: source == "hookline" or data.item_loan != null, expect: { every: 1s }, handler: { kind: log } }
  tell: { match: hookline.expected_missing, handler: { kind: file, dir: told } }
`)
	p := f.start(t, "run")
	p.log(t, "delivery done") // of the event about the missing one, on both routes
	p.log(t, "delivery done")
	p.stop(t)
	told := filesBelow(t, filepath.Join(f.dir, "told"))
	if len(told) != 1 || !strings.Contains(told[0], "missing-nightly-") || strings.Count(p.stderr.String(), `"an expected event is missing"`) != 1 {
		t.Fatalf("told %v, log %s", told, &p.stderr)
	}

	p = f.start(t, "run")
	if served := p.metrics(t); !strings.Contains(served, `hookline_route_expected_overdue_seconds{route="nightly"}`) {
		t.Error(served)
	}
	sendTo(t, f, p, "alma", "job_end") // which where leaves out
	sendTo(t, f, p, "alma", "loan.loan_created")
	p.log(t, "an expected event has come")
	p.log(t, "delivery done")
	p.log(t, "delivery done")
	p.stop(t)
	if told := filesBelow(t, filepath.Join(f.dir, "told")); len(told) != 2 {
		t.Errorf("told %v", told)
	}
	if audit := f.run(t, "audit"); audit.code != 0 {
		t.Errorf("audit: %+v", audit)
	}
}

func TestExpectNeedsTheJournal(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	for text, want := range map[string]string{
		"sources: { alma: { preset: alma, secrets: first-test-secret } }\nroutes: { a: { match: '#', expect: { every: 24h }, handler: { kind: log } } }\n":                                                                              "routes.a.expect: needs the journal",
		"journal: { enabled: true, keep: 1h }\nsources: { alma: { preset: alma, secrets: first-test-secret } }\nroutes: { a: { match: '#', expect: { every: 24h }, handler: { kind: log } } }\n":                                        "longer than the journal keeps",
		"journal: { enabled: true }\nsources: { hookline: { preset: alma, secrets: first-test-secret } }\nroutes: { a: { match: '#', expect: { every: 24h }, handler: { kind: log } } }\n":                                              "give your source another name",
		"journal: { enabled: true }\nsources: { alma: { preset: alma, secrets: first-test-secret } }\nroutes: { a: { match: hookline.expected_missing, expect: { every: 24h, by: 6am, zone: Mars, x: 1 }, handler: { kind: log } } }\n": "expect.x",
		"journal: { enabled: true }\nsources: { alma: { preset: alma, secrets: first-test-secret } }\nroutes: { a: { match: hookline.expected_missing, expect: { every: 24h, by: 6am, zone: Vienna }, handler: { kind: log } } }\n":     "routes.a.expect.by",
	} {
		f.write(t, "hookline.yml", text)
		if r := f.run(t, "config", "check"); r.code != 2 || !strings.Contains(r.stderr, want) {
			t.Errorf("%s: %+v", want, r)
		}
	}
}
