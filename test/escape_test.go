package test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"unicode"
)

// hostile is one text with a command of terminals (U+009B), a change of direction (U+202E), DEL and a line separator.
const hostile = "\u009b31mHACK\u202egpj\u007f\u2028"

// TestBytesOfStrangersAreEscaped sends the text in each place that logs and commands show, and looks at all output of the program.
func TestBytesOfStrangersAreEscaped(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.write(t, "hookline.yml", `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
data: data
sources: { shop: { preset: token, secrets: first-test-secret, event: { id: ["json:id"], action: ["json:type"] } } }
routes:
  archive:
    match: "shop.sold"
    handler: { kind: exec, command: [sh, -c, "cat >&2; exit 65"], log_stderr: true }
    pause: { of: 0 }
`)
	p := f.start(t, "run")
	res, err := http.Get("http://" + p.listen + "/webhooks/%C2%9B31mHACK%E2%80%AEgpj%7F%E2%80%A8")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	for _, action := range []string{"sold", "other"} {
		body := `{"id":"7` + hostile + `","type":"` + action + `"}`
		request, err := http.NewRequest(http.MethodPost, "http://"+p.listen+"/webhooks/shop", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer first-test-secret")
		res, err := http.DefaultClient.Do(request)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%v, %v", res, err)
		}
		res.Body.Close()
	}
	if line := p.log(t, "request refused"); line["path"] != "/webhooks/"+hostile {
		t.Errorf("the log's line has another value: %q", line)
	}
	if line := p.log(t, "delivery dead"); !strings.Contains(line["error"].(string), hostile) {
		t.Errorf("the log's line has another value: %q", line)
	}
	var letters []struct {
		Event     struct{ ID string }
		LastError string `json:"last_error"`
	}
	list := f.run(t, "dead", "list", "--json")
	if err := json.Unmarshal([]byte(list.stdout), &letters); err != nil || len(letters) != 1 || !strings.Contains(letters[0].LastError, hostile) {
		t.Fatalf("dead list --json: %v, %+v", err, list)
	}
	id := letters[0].Event.ID
	for _, args := range [][]string{
		{"dead", "list"}, {"dead", "list", "--json"}, {"dead", "list", "--group"}, {"dead", "show", "archive", id}, {"dead", "show", "archive", "no" + hostile},
		{"unrouted", "list"}, {"unrouted", "list", "--json"}, {"unrouted", "show", id}, {"queues"}, {"queues", "--json"},
	} {
		r := f.run(t, args...)
		if !printable(r.stdout + r.stderr) {
			t.Errorf("hookline %q: %q", args, r.stdout+r.stderr)
		}
	}
	p.stop(t)
	if !printable(p.stderr.String()) || !strings.Contains(p.stderr.String(), `/webhooks/\u009b31mHACK\u202egpj\u007f\u2028`) {
		t.Errorf("the log: %q", &p.stderr)
	}
}

func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' && r != '\t' }) < 0
}
