package test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/test/rabbitnode"
)

const journalConfig = `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
data: data
journal: { enabled: true }
broker: { url: "${AMQP_URL}" }
sources: { alma: { preset: alma, secrets: first-test-secret } }
routes:
  archive: { match: "#", handler: { kind: file, dir: export } }
`

// TestTheJournalOfSeveralProcesses sends events to a receiver, which a worker handles. A third process keeps the journal of both: it was away
// at first, and it is restarted.
func TestTheJournalOfSeveralProcesses(t *testing.T) {
	t.Parallel()
	url := "AMQP_URL=" + rabbitnode.URL(t)
	role := func() folder {
		f := newFolder(t, url)
		f.write(t, "hookline.yml", journalConfig)
		return f
	}
	keeper, sender := role(), role()
	receiver, worker := sender.start(t, "receiver"), role().start(t, "worker")
	send := func(handler *process) {
		t.Helper()
		if sent := sender.run(t, "send", "alma", "job_end", "--url", "http://"+receiver.listen); sent.code != 0 {
			t.Fatalf("send: %+v", sent)
		}
		handler.log(t, "delivery done")
	}
	send(worker)
	if code := worker.stop(t); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	for n := range 2 {
		p := keeper.start(t, "run")
		keeper.expectJournal(t, 2*n+1)
		send(p)
		keeper.expectJournal(t, 2*n+2)
		if code := p.stop(t); code != 0 {
			t.Fatalf("exit code %d", code)
		}
		if n == 0 {
			worker = role().start(t, "worker")
			send(worker)
			worker.stop(t)
		}
	}
}

// expectJournal waits until the journal has events with one attempt each.
func (f folder) expectJournal(t *testing.T, want int) {
	t.Helper()
	path := filepath.Join(f.dir, "data", "journal", "journal.db")
	var got string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
		if err != nil {
			t.Fatal(err)
		}
		_ = db.QueryRow("SELECT coalesce(group_concat(attempts), '') FROM event WHERE size > 0").Scan(&got)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if got == strings.TrimSuffix(strings.Repeat("1,", want), ",") {
			return
		}
	}
	t.Fatalf("the journal has events with the attempts %q; there are %d events", got, want)
}
