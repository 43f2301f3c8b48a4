package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/signature"
)

const (
	patronMark   = "privatemark"
	operatorMark = "staffmark"
)

// marked returns all samples of Alma with a mark in each place that names a person, and in fields that Alma may add.
func marked(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("../sender/samples/alma/*")
	if err != nil || len(files) < 40 {
		t.Fatal(files, err)
	}
	mark := strings.NewReplacer(
		"sample.patron@example.org", patronMark+"@example.org", "sample.patron", patronMark, "Sample Patron", patronMark, ">Patron<", ">"+patronMark+"<", `"Patron"`, `"`+patronMark+`"`,
		"1 Example Street", patronMark, "+1 555 0100", patronMark, "2000000000014", patronMark, "sample.operator", operatorMark, "Operator, Sample", operatorMark,
		`"item_loan": {`, `"item_loan": {"link": "/users/`+patronMark+`", "new": "`+patronMark+`",`, "<item_loan>", `<item_loan link="/users/`+patronMark+`"><new>`+patronMark+`</new>`,
		`"user_request": {`, `"user_request": {"comment": "`+patronMark+`",`, "<user_request>", "<user_request><comment>"+patronMark+"</comment>",
		`"action": "NOTIFICATION",`, `"action": "NOTIFICATION", "webhook_notifications": {"letter": "`+patronMark+`"},`, "<action>NOTIFICATION</action>", "<action>NOTIFICATION</action><letter>"+patronMark+"</letter>",
	)
	bodies := map[string][]byte{}
	for i, file := range files {
		text := mark.Replace(read(t, file))
		text = strings.NewReplacer("{{id}}", fmt.Sprint(1000+i), "{{time}}", "2026-01-02T03:04:05.000Z", "{{later}}", "2026-02-02T03:04:05Z", "{{date}}", "2026-01-02", "{{later_date}}", "2027-01-02").Replace(text)
		bodies[filepath.Base(file)] = []byte(text)
	}
	return bodies
}

// post sends a body as Alma would.
func post(t *testing.T, address, secret string, body []byte) {
	t.Helper()
	scheme, _ := signature.Preset("alma")
	verifier, err := signature.New(scheme, []signature.Secret{{Value: setting.Secret(secret)}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/webhooks/alma", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if err := verifier.Sign(&signature.Request{Method: r.Method, Header: r.Header, Body: body}, "", time.Now()); err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("answered %d", res.StatusCode)
	}
}

// settled returns the log up to the line of the nth delivery.
func (p *process) settled(t *testing.T, n int) string {
	t.Helper()
	var log strings.Builder
	for late := time.After(patience); n > 0; {
		select {
		case line := <-p.lines:
			text, err := json.Marshal(line)
			if err != nil {
				t.Fatal(err)
			}
			log.Write(append(text, '\n'))
			if message, _ := line["msg"].(string); strings.HasPrefix(message, "delivery ") {
				n--
			}
		case <-late:
			t.Fatalf("%d deliveries are missing:\n%s", n, log.String())
		}
	}
	return log.String()
}

// TestNothingPersonalIsInLogsMetricsAndFileNames covers events without redaction and every outcome.
func TestNothingPersonalIsInLogsMetricsAndFileNames(t *testing.T) {
	t.Parallel()
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write(body) // like a target that quotes the request in its error
	}))
	t.Cleanup(target.Close)
	f := newFolder(t)
	f.write(t, "hookline.yml", `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
redact_key: 0123456789abcdef0123456789abcdef
sources: { alma: { preset: alma, secrets: first-test-secret } }
routes:
  files: { match: "#", handler: { kind: file, dir: out, path: "{source}/{key}/{action}/{id}{ext}", metadata: true } }
  post: { match: "#", handler: { kind: http, url: "`+target.URL+`/hook" }, retry: { attempts: 1 }, pause: { of: 0 } }
  post-again: { match: "#", handler: { kind: http, url: "http://127.0.0.1:1/hook" }, retry: { attempts: 1 }, pause: { of: 0 } }
  made: { match: "#", handler: { kind: http, url: "`+target.URL+`/hook", body: "{{range .data.item_loan.user_id}}{{end}}" }, retry: { attempts: 1 }, pause: { of: 0 } }
  wrong: { match: "#", where: 'int(data.item_loan.user_id ?? data.user_request.user_primary_id ?? "x") > 5', handler: { kind: log }, pause: { of: 0 } }
  lines: { match: "#", handler: { kind: log } }
  program: { match: "#", handler: { kind: exec, command: ["sh", "-c", "cat >&2; exit 65"] }, pause: { of: 0 } }
  hidden: { match: "#", redact: alma-patrons, handler: { kind: file, dir: hidden, metadata: true } }
  loans: { match: "#", redact: alma-patrons, where: 'data.item_loan != null', handler: { kind: exec, command: ["sh", "-c", "cat >&2; exit 65"] }, pause: { of: 0 } }
`)
	p := f.start(t, "run")
	bodies := marked(t)
	for _, body := range bodies {
		post(t, p.listen, "first-test-secret", body)
	}
	post(t, p.listen, "first-test-secret", []byte("{"+patronMark))
	post(t, p.listen, "first-test-secret", []byte("<w>"+patronMark))
	seen := map[string]string{"the log": p.settled(t, (len(bodies)+2)*9)}
	res, err := http.Get("http://" + p.private + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		t.Fatal(err)
	}
	seen["metrics"] = string(metrics)
	names := filesBelow(t, f.dir)
	seen["file names"] = strings.Join(names, "\n")
	for place, text := range seen {
		for _, mark := range []string{patronMark, operatorMark} {
			if i := strings.Index(text, mark); i >= 0 {
				t.Errorf("%s: ...%s...", place, text[max(0, i-600):min(len(text), i+200)])
			}
		}
	}
	var plain, hidden int
	for _, name := range names {
		text := read(t, filepath.Join(f.dir, name))
		switch {
		case strings.HasPrefix(name, "hidden/") && strings.Contains(text, patronMark):
			t.Errorf("%s:\n%s", name, text)
		case strings.HasPrefix(name, "hidden/"):
			hidden += strings.Count(text, "hash:")
		case strings.HasPrefix(name, "out/"):
			plain += strings.Count(text, patronMark)
		}
	}
	if plain < 50 || hidden < 20 {
		t.Errorf("%d marks were written and %d hidden", plain, hidden)
	}
	if dead := f.run(t, "dead", "list", "hidden", "--json"); dead.code != 0 || strings.Contains(dead.stdout, patronMark) || !strings.Contains(dead.stdout, "neither JSON nor XML") {
		t.Errorf("%+v", dead)
	}
}

// TestRedactedValuesOfASourceAreNowhere searches the whole folder for the marks, the broker's database included.
func TestRedactedValuesOfASourceAreNowhere(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got strings.Builder
	target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = io.Copy(&got, r.Body)
	}))
	t.Cleanup(target.Close)
	f := newFolder(t, "REDACT_KEY=0123456789abcdef0123456789abcdef")
	f.write(t, "hookline.yml", `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
redact_key: "${REDACT_KEY}"
sources: { alma: { preset: alma, secrets: first-test-secret, redact: alma-patrons } }
routes:
  files: { match: "#", handler: { kind: file, dir: out, metadata: true } }
  post: { match: "#", handler: { kind: http, url: "`+target.URL+`" } }
  dead: { match: "#", handler: { kind: exec, command: ["sh", "-c", "cat >&2; exit 65"] }, pause: { of: 0 } }
`)
	p := f.start(t, "run")
	bodies := marked(t)
	for _, body := range bodies {
		post(t, p.listen, "first-test-secret", body)
	}
	post(t, p.listen, "first-test-secret", []byte("{"+patronMark))
	p.settled(t, (len(bodies)+1)*3)
	if again := f.run(t, "send", "alma", "user+create", "--format", "xml", "--url", "http://"+p.listen); again.code != 0 {
		t.Errorf("%+v", again)
	}
	for _, name := range filesBelow(t, f.dir) {
		if text, err := os.ReadFile(filepath.Join(f.dir, name)); err != nil || bytes.Contains(text, []byte(patronMark)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if text := got.String(); strings.Contains(text, patronMark) || !strings.Contains(text, operatorMark) || strings.Count(text, "hash:") < 20 {
		t.Errorf("%s", text)
	}
	meta := 0
	for _, name := range filesBelow(t, filepath.Join(f.dir, "out")) {
		if text := read(t, filepath.Join(f.dir, "out", name)); strings.Contains(text, `"Hookline-Redacted":"`) {
			meta++
		}
	}
	if meta < 20 {
		t.Errorf("%d events say that they were redacted", meta)
	}
}
