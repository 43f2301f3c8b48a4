package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/hookline/hookline/pkg/event"
)

// TestTheWhatIfPageShowsTheOutput follows docs/how-to/try-a-configuration.md.
func TestTheWhatIfPageShowsTheOutput(t *testing.T) {
	t.Parallel()
	var texts []string
	var shown string
	for _, s := range newPage("", read(t, "../docs/how-to/try-a-configuration.md")).code {
		if s.language == "yaml" {
			texts = append(texts, s.text)
		} else {
			shown = s.text
		}
	}
	f := newFolder(t)
	const listen = "journal: { enabled: true }\nlisten: \"127.0.0.1:0\"\nprivate_listen: \"127.0.0.1:0\"\n"
	f.write(t, "hookline.yml", texts[0]+listen)
	f.write(t, "new.yml", texts[1]+listen)
	p := f.start(t, "run")
	sendTo(t, f, p, "alma", "job_end")
	p.log(t, "delivery dead")
	r := f.whatIf(t, "--since", "1h")
	p.stop(t)
	if r.code != 3 {
		t.Fatalf("%+v", r)
	}
	printed := masked(r.stdout)
	for line := range strings.Lines(shown) {
		if strings.HasPrefix(line, "$ ") || strings.Contains(line, "...") {
			continue
		}
		if want := masked(line); !slices.Contains(printed, want[0]) {
			t.Errorf("the page shows %q, and the command prints %q", line, printed)
		}
	}
	if files := f.exported(t); len(files) != 1 || strings.Count(files[0], string(filepath.Separator)) == 0 {
		t.Errorf("files %v", files)
	}
}

// whatIf tries new.yml on the journal, which has the records a moment after the attempts.
func (f folder) whatIf(t *testing.T, args ...string) (r result) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if r = f.run(t, append([]string{"what-if", "--config", "new.yml"}, args...)...); r.code != 1 {
			return r
		}
	}
	return r
}

// TestExportedEventsAreTriedWithoutAProcess exports redacted fixtures beside a running process, and tries them elsewhere.
func TestExportedEventsAreTriedWithoutAProcess(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	const config = "journal: { enabled: true }\nlisten: \"127.0.0.1:0\"\nprivate_listen: \"127.0.0.1:0\"\nsources: { alma: { preset: alma, secrets: \"${ALMA_WEBHOOK_SECRET}\" } }\nroutes: { a: { match: MATCH, handler: { kind: log } } }\n"
	f.write(t, "hookline.yml", strings.Replace(config, "MATCH", `"#"`, 1))
	f.write(t, "new.yml", strings.Replace(config, "MATCH", "alma.job_end", 1))
	p := f.start(t, "run")
	sendTo(t, f, p, "alma", "loan.loan_created")
	p.log(t, "delivery done")
	if r := f.whatIf(t); r.code != 3 {
		t.Fatalf("%+v", r)
	}
	plain, redacted := f.run(t, "events", "export"), f.run(t, "events", "export", "--redact")
	p.stop(t)
	var before, after event.Event
	if err := errors.Join(json.Unmarshal([]byte(plain.stdout), &before), json.Unmarshal([]byte(redacted.stdout), &after)); err != nil {
		t.Fatal(err)
	}
	user := gjson.GetBytes(before.Data, "item_loan.user_id").String()
	if user == "" || bytes.Contains(after.Data, []byte(user)) || !bytes.Contains(after.Data, []byte("hash:")) || after.ID != before.ID || plain.stderr != "1 event\n" {
		t.Errorf("exported %s, redacted %s; %q", before.Data, after.Data, plain.stderr)
	}
	if r := f.run(t, "events", "export", "--redact=everybody"); r.code != 2 || !strings.Contains(r.stderr, "must be alma-patrons") {
		t.Errorf("%+v", r)
	}

	ci := newFolder(t)
	ci.write(t, "old.yml", read(t, filepath.Join(f.dir, "hookline.yml")))
	ci.write(t, "new.yml", read(t, filepath.Join(f.dir, "new.yml")))
	ci.write(t, "fixtures.jsonl", redacted.stdout)
	if r := ci.run(t, "what-if", "--config", "new.yml", "--against", "old.yml", "--events", "fixtures.jsonl"); r.code != 3 || !strings.Contains(r.stdout, "gone (taken before, unmatched now)") {
		t.Errorf("%+v", r)
	}
}

func TestWhatIfSaysByItsExitCodeWhetherSomethingDiffers(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	const config = "redact_key: 0123456789abcdef0123456789abcdef\nsources: { alma: { preset: alma, secrets_file: missing } }\nroutes: { a: { match: MATCH, handler: { kind: log } } }\n"
	f.write(t, "hookline.yml", strings.Replace(config, "MATCH", `"#"`, 1))
	f.write(t, "same.yml", strings.Replace(config, "MATCH", `["#"]`, 1)+"grace: 5s\n")
	f.write(t, "other.yml", strings.Replace(strings.Replace(config, "MATCH", "alma.x", 1), "missing", "moved", 1))
	f.write(t, "bad.yml", "routes: 1\n")
	const line = `{"specversion":"1.0","id":"1\u001b[31m","source":"alma","type":"a","time":"2026-01-02T03:04:05Z"}` + "\n"
	f.write(t, "events.jsonl", line)
	f.write(t, "none.jsonl", "\n")
	f.write(t, "broken.jsonl", line+"{\n")
	for _, c := range []struct {
		args   []string
		code   int
		stdout string
		stderr string
	}{
		{[]string{"-c", "same.yml", "--events", "events.jsonl"}, 0, "Nothing differs.", ""},
		{[]string{"-c", "other.yml", "--events", "events.jsonl"}, 3, `gone (taken before, unmatched now): alma a 1\u001b[31m`, ""},
		{[]string{"-c", "other.yml", "--events", "events.jsonl"}, 3, "sources.alma has changed", ""},
		{[]string{"-c", "other.yml", "--events", "events.jsonl", "--json"}, 3, `"differs": true`, ""},
		{[]string{"-c", "hookline.yml", "--against", "other.yml", "--events", "events.jsonl"}, 3, "new (unmatched before, taken now)", ""},
		{[]string{"-c", "other.yml", "--events", "events.jsonl", "--since", "2026-01-03"}, 1, "", "events.jsonl has no event"},
		{[]string{"-c", "other.yml", "--events", "none.jsonl"}, 1, "", "none.jsonl has no event"},
		{[]string{"-c", "other.yml", "--events", "broken.jsonl"}, 1, "", "broken.jsonl:2: not an event"},
		{[]string{"-c", "other.yml", "--events", "gone.jsonl"}, 2, "", "--events: open gone.jsonl"},
		{[]string{"-c", "other.yml"}, 1, "", "there is no journal in"},
		{[]string{"--events", "events.jsonl"}, 2, "", "--config is missing"},
		{[]string{"-c", "hookline.yml", "--events", "events.jsonl"}, 2, "", "--against"},
		{[]string{"-c", "bad.yml", "--events", "events.jsonl"}, 2, "", "bad.yml:1:9: routes"},
	} {
		r := f.run(t, append([]string{"what-if"}, c.args...)...)
		if r.code != c.code || !strings.Contains(r.stdout, c.stdout) || !strings.Contains(r.stderr, c.stderr) {
			t.Errorf("what-if %v: %+v", c.args, r)
		}
		if slices.Contains(c.args, "--json") && !json.Valid([]byte(r.stdout)) {
			t.Errorf("no JSON: %s", r.stdout)
		}
	}
}
