package test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hookline/hookline/test/rabbitnode"
)

const forgetConfig = `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
broker: { url: "${LINE_URL:-embedded}" }
sources: { shop: { preset: token, secrets: first-test-secret } }
routes:
  later: { match: "shop.later", handler: { kind: exec, command: ["false"] }, retry: { attempts: 3, first: 1h, max: 1h }, pause: { of: 0 } }
  dead: { match: "shop.dead", handler: { kind: exec, command: ["false"] }, retry: { attempts: 1 }, pause: { of: 0 } }
`

const patronID = "PATRON-4711-0815"

func TestForgetRemovesAPersonsEventsEverywhere(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"embedded", "rabbitmq"} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			url := line
			if line == "rabbitmq" {
				url = rabbitnode.URL(t)
			}
			f := newFolder(t, "LINE_URL="+url)
			f.write(t, "hookline.yml", forgetConfig)
			p := f.start(t, "run")
			post := func(p *process) {
				for _, action := range []string{"later", "dead", "nobody"} {
					for _, person := range []string{patronID, strings.ToLower(patronID), patronID + "9"} {
						p.postTo(t, "shop", nil, `{"id":"`+action+person+`x","type":"`+action+`","user":{"primary_id":"`+person+`"}}`)
					}
				}
			}
			post(p)
			for range 3 {
				p.log(t, "delivery dead")
			}
			p.awaitDone(t, 6)
			found := []string{"later retry 2", "dead dead 2", "- unrouted 2"}
			if line == "rabbitmq" { // work queues without a worker
				p.stop(t)
				p = f.start(t, "receiver")
				p.postTo(t, "shop", nil, `{"id":1,"type":"dead","user":"`+patronID+`"}`)
				p.postTo(t, "shop", nil, `{"id":2,"type":"dead","user":"another"}`)
				found = append(found, "dead work 1")
			}
			f.expectForgotten(t, found)
			if line == "embedded" {
				expectNoBytes(t, filepath.Join(f.dir, "data"), patronID)
			} else {
				w := f.start(t, "worker")
				if died := w.log(t, "delivery dead"); died["attempt"] != 1.0 {
					t.Errorf("the event that stayed: %v", died)
				}
			}
			if audit := f.run(t, "audit"); audit.code != 0 {
				t.Errorf("audit: %+v", audit)
			}
			p.stop(t)
			if line == "embedded" {
				expectNoBytes(t, filepath.Join(f.dir, "data"), patronID)
			}
		})
	}
}

// expectForgotten looks, forgets, and looks again. found has the rows of the table.
func (f folder) expectForgotten(t *testing.T, found []string) {
	t.Helper()
	if r := f.run(t, "forget", "--match", patronID); r.code != 2 || !strings.Contains(r.stderr, "--yes") {
		t.Errorf("without a terminal: %+v", r)
	}
	if r := f.run(t, "forget", "--match", " ", "--yes"); r.code != 2 {
		t.Errorf("without a text: %+v", r)
	}
	dry := f.run(t, "forget", "--match", patronID, "--dry-run")
	forgotten := f.run(t, "forget", "--match", patronID, "--yes")
	for _, r := range []result{dry, forgotten} {
		rows := strings.Join(strings.Fields(r.stdout), " ")
		for _, row := range found {
			if r.code != 0 || !strings.Contains(rows, row) {
				t.Errorf("%q is not in %+v", row, r)
			}
		}
		if strings.Contains(r.stdout+r.stderr, "4711") {
			t.Errorf("the text is shown: %+v", r)
		}
	}
	if !strings.Contains(forgotten.stderr, "events of a person were removed") {
		t.Errorf("no log line: %+v", forgotten)
	}
	if r := f.run(t, "forget", "--match", patronID, "--yes"); r.code != 0 || !strings.Contains(r.stdout, "found no stored event") {
		t.Errorf("a second time: %+v", r)
	}
}

// expectNoBytes searches every file of a folder for the bytes of a text, in upper and lower case, as a whole JSON string.
func expectNoBytes(t *testing.T, dir, text string) {
	t.Helper()
	for _, name := range filesBelow(t, dir) {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(bytes.ToLower(content), []byte(`"`+strings.ToLower(text)+`"`)); n > 0 {
			t.Errorf("%s has the text %d times", name, n)
		}
	}
}
