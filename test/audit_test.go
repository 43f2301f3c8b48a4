package test

import (
	"database/sql"
	"errors"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/hookline/hookline/test/rabbitnode"
)

const auditConfig = `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
broker: { url: "${LINE_URL:-embedded}" }
sources: { alma: { preset: alma, secrets: first-test-secret } }
routes:
  jobs: { match: "alma.job_end", handler: { kind: file, dir: export } }
  later: { match: "alma.bib.#", handler: { kind: exec, command: ["false"] }, retry: { attempts: 3, first: 1h, max: 1h } }
  loans: { match: "alma.loan.#", handler: { kind: exec, command: ["false"] }, retry: { attempts: 1, first: 1s, max: 1s } }
`

// auditJSON is the output for programs. Its names are an interface.
const auditJSON = `{
  "since": "SINCE",
  "sources": [
    {
      "source": "alma",
      "received": 13,
      "rejected": {
        "mismatch": 2,
        "missing": 1,
        "too_large": 1
      },
      "duplicate": 0,
      "spooled": 0,
      "accepted": 9,
      "unrouted": 2
    }
  ],
  "routes": [
    {
      "route": "",
      "accepted": 2,
      "waiting": 2,
      "running": 0,
      "retrying": 0,
      "done": 0,
      "dead": 0,
      "discarded": 0,
      "unaccounted": 0,
      "extra": 0
    },
    {
      "route": "jobs",
      "accepted": 3,
      "waiting": 0,
      "running": 0,
      "retrying": 0,
      "done": 3,
      "dead": 0,
      "discarded": 0,
      "unaccounted": 0,
      "extra": 0
    },
    {
      "route": "later",
      "accepted": 1,
      "waiting": 0,
      "running": 0,
      "retrying": 1,
      "done": 0,
      "dead": 0,
      "discarded": 0,
      "unaccounted": 0,
      "extra": 0
    },
    {
      "route": "loans",
      "accepted": 3,
      "waiting": 0,
      "running": 0,
      "retrying": 0,
      "done": 0,
      "dead": 2,
      "discarded": 1,
      "unaccounted": 0,
      "extra": 0
    }
  ],
  "unaccounted": 0
}
`

func TestAnAuditAccountsForEveryEventAcrossAKill(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"embedded", "rabbitmq"} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			if line == "rabbitmq" {
				line = rabbitnode.URL(t)
			}
			auditAcrossAKill(t, newFolder(t, "LINE_URL="+line))
		})
	}
}

func auditAcrossAKill(t *testing.T, f folder) {
	t.Helper()
	f.write(t, "hookline.yml", auditConfig)
	p := f.start(t, "run")
	for _, args := range [][]string{
		{"job_end", "-n", "3"}, {"loan.loan_created", "-n", "3"}, {"bib.bib_created"}, {"request.request_created", "-n", "2"}, {"--challenge"},
	} {
		if sent := f.run(t, append([]string{"send", "alma", "--url", "http://" + p.listen}, args...)...); sent.code != 0 {
			t.Fatalf("send: %+v", sent)
		}
	}
	forged := http.Header{"X-Exl-Signature": {strings.Repeat("A", 43) + "="}}
	p.post(t, http.StatusUnauthorized, forged, `{"id":"1"}`)
	p.post(t, http.StatusUnauthorized, forged, `{"id":"1"}`)
	p.post(t, http.StatusUnauthorized, http.Header{}, `{"id":"1"}`)
	p.post(t, http.StatusRequestEntityTooLarge, http.Header{}, strings.Repeat("x", 1<<20+1))
	f.expectAudit(t, strings.NewReplacer(`"dead": 2`, `"dead": 3`, `"discarded": 1`, `"discarded": 0`).Replace(auditJSON))
	dead := regexp.MustCompile(`loans +(\S+)`).FindStringSubmatch(f.run(t, "dead", "list", "loans").stdout)
	if discarded := f.run(t, "dead", "discard", "loans", dead[1]); discarded.code != 0 {
		t.Fatalf("discard: %+v", discarded)
	}
	f.expectAudit(t, auditJSON)
	p.kill()
	f.expectAudit(t, auditJSON)
	f.start(t, "run")
	f.expectAudit(t, auditJSON)
	shown := f.run(t, "audit")
	for line := range strings.Lines(shown.stdout) {
		if len(line) > 80 {
			t.Errorf("wider than a terminal: %q", line)
		}
	}
	if shown.code != 0 || !strings.HasSuffix(shown.stdout, "\nEvery stored event is accounted for.\n") {
		t.Errorf("audit: %+v", shown)
	}
}

func TestAnAuditNamesLostEvents(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.write(t, "hookline.yml", auditConfig)
	if none := f.run(t, "audit"); none.code != 1 || !strings.Contains(none.stderr, "start `hookline run` first") {
		t.Errorf("audit of nothing: %+v", none)
	}
	p := f.start(t, "run")
	if sent := f.run(t, "send", "alma", "request.request_created", "-n", "5", "--url", "http://"+p.listen); sent.code != 0 {
		t.Fatalf("send: %+v", sent)
	}
	if page := p.metrics(t); !strings.Contains(page, `hookline_ledger_unaccounted{route="loans"} 0`) || !strings.Contains(page, `hookline_ledger_unaccounted{route="unrouted"} 0`) {
		t.Error("the metric is not there from the start")
	}
	f.sql(t, "DELETE FROM delivery WHERE seq > 3")
	shown := f.run(t, "audit")
	if shown.code != 4 || !strings.Contains(shown.stdout, "\n2 events are unaccounted for: (unrouted) 2. ") || shown.stderr != "" {
		t.Errorf("audit: %+v", shown)
	}
	if inJSON := f.run(t, "audit", "--json"); inJSON.code != 4 || !strings.Contains(inJSON.stdout, `"unaccounted": 2`) {
		t.Errorf("audit: %+v", inJSON)
	}
	p.stop(t)
	p = f.start(t, "run") // which audits at the start, and then each minute
	p.log(t, "stored events are unaccounted for; `hookline audit` shows the routes")
	if page := p.metrics(t); !strings.Contains(page, `hookline_ledger_unaccounted{route="unrouted"} 2`) {
		t.Error("the metric does not count the lost events")
	}
}

// sql changes the database of the embedded broker by hand.
func (f folder) sql(t *testing.T, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(f.dir, "data", "line.db"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), statement)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// expectAudit repeats the audit until it prints want, without the time of its beginning. Counts can be a second late.
func (f folder) expectAudit(t *testing.T, want string) {
	t.Helper()
	since := regexp.MustCompile(`"since": "20[^"]+Z"`)
	for deadline := time.Now().Add(patience); ; {
		got := f.run(t, "audit", "--json")
		if got.code == 0 && since.ReplaceAllString(got.stdout, `"since": "SINCE"`) == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("audit: %+v, want %s", got, want)
		}
	}
}

// post sends a body that the source alma refuses with code.
func (p *process) post(t *testing.T, code int, header http.Header, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+p.listen+"/webhooks/alma", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != code {
		t.Errorf("answered %d, want %d", answer.StatusCode, code)
	}
}
