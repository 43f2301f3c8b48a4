package test

import (
	"strings"
	"testing"

	"github.com/hookline/hookline/test/rabbitnode"
)

// TestAWorkerNeedsNoSecretsOfSources starts a worker without the variable and the file that the receiver needs, and changes its file.
func TestAWorkerNeedsNoSecretsOfSources(t *testing.T) {
	t.Parallel()
	f := newFolder(t, "LINE_URL="+rabbitnode.URL(t))
	text := `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
broker: { url: "${LINE_URL}" }
sources:
  alma: { preset: alma, secrets_file: /nowhere/alma }
  shop: { preset: standard-webhooks, secrets: ["${NOT_SET}"] }
routes:
  jobs: { match: "alma.job_end", handler: { kind: log } }
`
	f.write(t, "hookline.yml", text)
	if r := f.run(t, "receiver"); r.code != 2 || !strings.Contains(r.stderr, "sources.alma.secrets_file") || !strings.Contains(r.stderr, "NOT_SET") {
		t.Errorf("receiver: %+v", r)
	}
	p := f.start(t, "worker")
	f.write(t, "hookline.yml", text+"grace: 20s\n")
	p.log(t, "configuration reloaded; some changes need a restart")
	p.stop(t)
	f.write(t, "hookline.yml", text+"unknown: 1\n")
	if r := f.run(t, "worker"); r.code != 2 || !strings.Contains(r.stderr, "unknown") || strings.Contains(r.stderr, "secrets") {
		t.Errorf("worker with another error: %+v", r)
	}
}
