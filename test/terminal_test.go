package test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hookline/hookline/test/rabbitnode"
)

const (
	longRoute  = "catalog-sync-of-the-whole-consortium-202"
	longSource = "university-library-of-the-whole-consorti"
	longID     = "d1d45be61a9101e33430c6c008c2b043914987ac6bf922115543b6a9e5583c01"
)

const longConfig = `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
broker: { url: "${AMQP_URL}" }
sources:
  alma: { preset: alma, secrets: first-test-secret }
  ` + longSource + `: { preset: token, secrets: first-test-secret, event: { id: ["unique:json:id"], action: ["json:action"] } }
routes:
  ` + longRoute + `: { match: "` + longSource + `.loan.#", retry: { attempts: 1 }, handler: { kind: exec, command: [sh, -c, "ERROR"] } }
`

// Tables and notes of every command with long names, in a narrow terminal: no line is wider, and IDs stay whole where they fit.
func TestNoTableWrapsInANarrowTerminal(t *testing.T) {
	t.Parallel()
	failing := "echo " + strings.Repeat("the catalogue does not answer ", 12) + ">&2; exit 1"
	f := newFolder(t, "AMQP_URL="+rabbitnode.URL(t))
	f.write(t, "hookline.yml", strings.Replace(longConfig, "ERROR", failing, 1))
	p := f.start(t, "run")
	for _, action := range []string{"loan.loan_created_with_a_long_name", "fee.fee_created_with_a_long_name"} {
		p.postToken(t, longSource, fmt.Sprintf(`{"id":%q,"action":%q}`, longID, action))
	}
	p.log(t, "delivery dead")
	url := "http://" + p.listen
	for columns, commands := range map[uint16][][]string{
		60: {
			{"queues"}, {"dead", "list"}, {"dead", "list", "--group"}, {"unrouted", "list"}, {"unrouted", "list", "--group"}, {"audit"},
			{"topology", "plan"}, {"forget", "--dry-run", "--match", longID}, {"doctor", "alma", "--url", url},
			{"send", "alma", "--list"}, {"send", "alma", "job_end", "--as-sender", "--url", url}, {"send", "--help"},
		},
		80: {{"queues"}, {"dead", "list"}, {"unrouted", "list"}, {"audit"}, {"topology", "plan"}},
	} {
		for _, args := range commands {
			_, shown := f.terminal(t, columns, args...).end()
			for line := range strings.Lines(shown) {
				parts := strings.Split(line, "\x1b[K") // the lines of progress before are overwritten
				line = parts[len(parts)-1]
				if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > int(columns) {
					t.Errorf("%v: a line of %d on %d columns: %s", args, n, columns, line)
				}
			}
			if args[len(args)-1] == "list" && columns == 80 && !strings.Contains(shown, longID+"\n") {
				t.Errorf("%v: the ID is not whole: %s", args, shown)
			}
		}
	}
	piped := f.run(t, "dead", "list")
	if lines := strings.Split(piped.stdout, "\n"); len(lines) != 3 || strings.Count(lines[1], "the catalogue does not answer") < 12 || !strings.Contains(lines[1], longRoute) {
		t.Errorf("in a pipe: %+v", piped)
	}
}

// postToken sends an event to a source with a token.
func (p *process) postToken(t *testing.T, source, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+p.listen+"/webhooks/"+source, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer first-test-secret")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if _ = answer.Body.Close(); answer.StatusCode != http.StatusOK {
		t.Fatalf("answer %s", answer.Status)
	}
}
