package test

import (
	"strings"
	"testing"
)

const pausingYAML = `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
data: data
sources: { alma: { preset: alma, secrets: "a secret of 22 bytes" } }
routes:
  archive:
    match: "alma.#"
    handler: { kind: exec, command: [sh, -c, "echo patron 4711 >&2; exit 7"] }
    pause: { ratio: 1, of: 2, first: 1h, max: 1h }
`

func TestQueuesAndHealthShowAPausedRoute(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.write(t, "hookline.yml", pausingYAML)
	p := f.start(t, "run")
	url := "http://" + p.private
	if r := f.run(t, "queues", "--url", url); r.code != 0 || strings.Contains(r.stdout, "paused") {
		t.Errorf("before: %+v", r)
	}
	if sent := f.run(t, "send", "alma", "job_end", "-n", "3", "--url", "http://"+p.listen); sent.code != 0 {
		t.Fatalf("send: %+v", sent)
	}
	line := p.log(t, "route paused for a source because its events fail; they wait")
	if line["source"] != "alma" || line["error"] != "exit status 7" || line["route"] != "archive" {
		t.Errorf("log: %v", line)
	}
	for _, args := range [][]string{{"queues", "--url", url}, {"health", "--url", url}} {
		r := f.run(t, args...)
		if r.code != 0 || !strings.Contains(r.stdout, "oute archive is paused for source alma since ") || !strings.Contains(r.stdout, "exit status 7") ||
			!strings.Contains(r.stdout, "is tried at ") || strings.Contains(r.stdout, "4711") {
			t.Errorf("hookline %v: %+v", args, r)
		}
	}
	if r := f.run(t, "queues", "--json", "--url", url); r.code != 0 || !strings.Contains(r.stdout, `"source": "alma"`) || !strings.Contains(r.stdout, `"next_try": "`) {
		t.Errorf("queues --json: %+v", r)
	}
	p.stop(t)
	if r := f.run(t, "queues"); r.code != 0 || !strings.Contains(r.stdout, "archive") {
		t.Errorf("without a worker: %+v", r)
	}
	if r := f.run(t, "queues", "--url", url); r.code != 1 || !strings.Contains(r.stderr, "private_listen") {
		t.Errorf("with the URL of a worker that has stopped: %+v", r)
	}
}
