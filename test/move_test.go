package test

import (
	"database/sql"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/test/rabbitnode"
)

// moveConfig has events of every state: waiting for an hour, dead and unrouted.
const moveConfig = `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
broker: { url: "${LINE_URL:-embedded}" }
sources: { alma: { preset: alma, secrets: first-test-secret } }
routes:
  jobs: { match: "alma.job_end", handler: { kind: log } }
  later: { match: "alma.bib.#", handler: { kind: exec, command: ["false"] }, retry: { attempts: 3, first: 1h, max: 1h } }
  loans: { match: "alma.loan.#", handler: { kind: exec, command: ["false"] }, retry: { attempts: 1, first: 1s, max: 1s } }
`

// with returns the folder with another environment variable.
func (f folder) with(variable string) folder {
	f.env = append(append([]string(nil), f.env...), variable)
	return f
}

func (f folder) expect(t *testing.T, code int, text string, args ...string) {
	t.Helper()
	if got := f.run(t, args...); got.code != code || !strings.Contains(got.stdout+got.stderr, text) {
		t.Errorf("%v: exit code %d, want %d with %q: %s%s", args, got.code, code, text, got.stdout, got.stderr)
	}
}

// fillEmbedded leaves a retry, a dead letter and an unrouted event on the embedded broker.
func fillEmbedded(t *testing.T, f folder) {
	t.Helper()
	p := f.start(t, "run")
	for _, action := range []string{"job_end", "bib.bib_created", "loan.loan_created", "request.request_created"} {
		f.expect(t, 0, "", "send", "alma", action, "--url", "http://"+p.listen)
	}
	f.expectRows(t, "dead", 1)
	f.expectRows(t, "work", 1)
	if code := p.stop(t); code != 0 {
		t.Fatalf("exit code %d", code)
	}
}

// expectRows waits for the number of deliveries in a state in the embedded broker's database.
func (f folder) expectRows(t *testing.T, state string, want int) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(f.dir, "data", "line.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for deadline, n := time.Now().Add(patience), -1; n != want; {
		if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM delivery WHERE state = ?", state).Scan(&n); err != nil || time.Now().After(deadline) {
			t.Fatalf("%d deliveries in state %s, want %d: %v", n, state, want, err)
		}
	}
}

// Events of the embedded broker were left behind without a word when broker.url became RabbitMQ.
func TestEventsOfTheEmbeddedBrokerMoveToRabbitMQ(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.write(t, "hookline.yml", moveConfig)
	fillEmbedded(t, f)
	rabbit := f.with("LINE_URL=" + rabbitnode.URL(t))
	for _, role := range []string{"run", "receiver", "worker"} {
		rabbit.expect(t, 2, "of the embedded broker has 3 events", role)
	}
	rabbit.expect(t, 1, "`hookline move` puts them into RabbitMQ's queues", "dead", "list")
	rabbit.expect(t, 4, "start a receiver or a worker there first, or correct broker.url", "audit")
	rabbit.expect(t, 0, "", "topology", "apply")
	rabbit.expect(t, 4, "hookline move", "audit")
	rabbit.expect(t, 4, `"events": 3`, "audit", "--json")
	rabbit.expect(t, 0, "moved 3 of 3 events", "move")
	rabbit.expect(t, 0, "no events are on another broker", "move")
	rabbit.expect(t, 0, "Every stored event is accounted for", "audit")
	rabbit.expect(t, 0, "loan.loan_created", "dead", "list", "loans")
	rabbit.expect(t, 0, "request.request_created", "unrouted", "list")
	p := rabbit.start(t, "run")
	rabbit.expect(t, 0, "replayed 1", "dead", "replay", "loans", "--all")
	p.log(t, "delivery dead")
	queues := rabbit.run(t, "queues")
	if !strings.Contains(queues.stdout, "hookline.retry") {
		t.Errorf("queues: %+v", queues)
	}
	p.stop(t)
	f.expectRows(t, "work", 0)
}

func TestEventsOfARouteThatIsNotConfiguredStayWhereTheyAre(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.write(t, "hookline.yml", moveConfig)
	fillEmbedded(t, f)
	before, _, _ := strings.Cut(moveConfig, "  later:")
	f.write(t, "hookline.yml", before)
	f.with("LINE_URL="+rabbitnode.URL(t)).expect(t, 1, "the route later, which is not in the configuration", "move")
	f.expectRows(t, "work", 1)
}

// Nobody can see the queues of a RabbitMQ whose address is gone, so the data folder remembers it.
func TestTheRabbitMQBeforeIsRemembered(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	f := newFolder(t)
	f.write(t, "hookline.yml", moveConfig)
	rabbit := f.with("LINE_URL=" + url)
	p := rabbit.start(t, "run")
	expectAnswer(t, p, "stored", 10, http.StatusOK)
	p.stop(t)
	rabbit.start(t, "run").stop(t)
	remembered, err := os.ReadFile(filepath.Join(f.dir, "data", "rabbitmq"))
	if err != nil || strings.Contains(string(remembered), "guest") {
		t.Errorf("remembered %s: %v", remembered, err)
	}
	address := strings.TrimSpace(string(remembered))
	for _, other := range []folder{f, f.with("LINE_URL=amqp://guest:guest@127.0.0.1:1/")} {
		other.expect(t, 2, address, "run")
		other.expect(t, 4, address, "audit", "--wait", "1s")
		other.expect(t, 2, "only events of the embedded broker can be moved", "move")
		other.expect(t, 2, "--yes", "move", "--abandon")
	}
	f.expect(t, 0, "left "+address+" behind", "move", "--abandon", "--yes")
	f.start(t, "run").stop(t)
}

func TestTheEmbeddedBrokersEventsAreAbandonedOnPurpose(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.write(t, "hookline.yml", moveConfig)
	fillEmbedded(t, f)
	rabbit := f.with("LINE_URL=" + rabbitnode.URL(t))
	rabbit.expect(t, 0, "left 3 events behind in ", "move", "--abandon", "--yes")
	if kept, err := filepath.Glob(filepath.Join(f.dir, "data", "line.db.abandoned-*Z")); err != nil || len(kept) != 1 {
		t.Errorf("kept %v: %v", kept, err)
	}
	rabbit.start(t, "run").stop(t)
}

func TestANewDatabaseIsNamedWithItsAbsolutePath(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.write(t, "hookline.yml", moveConfig)
	p := f.launch(t, "run")
	made := p.log(t, "a new, empty database is made: if events were stored before, they are in another data folder")
	if made["file"] != filepath.Join(f.dir, "data", "line.db") {
		t.Errorf("%v", made)
	}
	if started := p.log(t, "started"); started["data"] != filepath.Join(f.dir, "data") {
		t.Errorf("%v", started)
	}
}
