package test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hookline/hookline/test/rabbitnode"
)

const sameIDConfig = `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
broker: { url: "${LINE_URL:-embedded}" }
sources:
  shop: { preset: token, secrets: first-test-secret }
  github: { preset: github, secrets: first-test-secret }
routes:
  archive: { match: "#", handler: { kind: file, dir: export, path: "{source}/{action}/{id}{ext}" } }
`

// sameID are requests and the number of events that they are.
var sameID = []struct {
	source string
	header http.Header
	body   string
}{
	{"shop", nil, `{"id":42,"type":"updated","stock":1}`},
	{"shop", nil, `{"id":42,"type":"updated","stock":2}`},
	{"shop", nil, `{"id":42,"type":"updated","stock":1}`}, // a repeat
	{"shop", http.Header{"Ce-Id": {"1"}, "Ce-Type": {"alarm"}, "Ce-Source": {"/plant/north"}}, `{}`},
	{"shop", http.Header{"Ce-Id": {"1"}, "Ce-Type": {"alarm"}, "Ce-Source": {"/plant/south"}}, `{}`},
	{"github", http.Header{"X-Github-Event": {"push"}, "X-Github-Delivery": {"a"}}, `{"ref":"main"}`},
	{"github", http.Header{"X-Github-Event": {"push"}, "X-Github-Delivery": {"b"}}, `{"ref":"main"}`}, // recorded
}

func TestDifferentEventsWithOneIDAreHandledAndCounted(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"embedded", "rabbitmq"} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			if line == "rabbitmq" {
				line = rabbitnode.URL(t)
			}
			f := newFolder(t, "LINE_URL="+line)
			f.write(t, "hookline.yml", sameIDConfig)
			p := f.start(t, "run")
			for _, m := range sameID {
				p.postTo(t, m.source, m.header, m.body)
			}
			p.awaitDone(t, 5)
			if files := filesBelow(t, filepath.Join(f.dir, "export")); len(files) != 5 {
				t.Errorf("%d files: %v", len(files), files)
			}
			var report struct {
				Routes []struct {
					Route                       string
					Accepted, Done, Unaccounted int
				}
			}
			audit := f.run(t, "audit", "--json")
			if err := json.Unmarshal([]byte(audit.stdout), &report); err != nil || audit.code != 0 {
				t.Fatalf("audit: %+v, %v", audit, err)
			}
			for _, r := range report.Routes {
				if r.Route == "archive" && (r.Accepted != 5 || r.Done != 5 || r.Unaccounted != 0) {
					t.Errorf("audit: %+v", r)
				}
			}
			if metrics := p.metrics(t); !strings.Contains(metrics, `hookline_receiver_copies_total{source="github"} 1`) ||
				!strings.Contains(metrics, `hookline_receiver_other_bodies_total{result="stored",source="shop"} 1`) {
				t.Error("the repeat by signature, or the other body, is not counted")
			}
		})
	}
}

// postTo posts a body with the secret of the tests, and expects a 200.
func (p *process) postTo(t *testing.T, source string, header http.Header, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+p.listen+"/webhooks/"+source, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		r.Header = header.Clone()
	}
	mac := hmac.New(sha256.New, []byte("first-test-secret"))
	mac.Write([]byte(body))
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	r.Header.Set("Authorization", "Bearer first-test-secret")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: answered %d, %v", body, answer.StatusCode, err)
	}
}
