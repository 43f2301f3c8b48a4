package test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hookline/hookline/test/rabbitnode"
)

const forgetDownConfig = `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
broker: { url: "${AMQP_URL}" }
sources: { shop: { preset: token, secrets: first-test-secret } }
routes:
  all: { match: "#", handler: { kind: file, dir: out } }
`

// A person's right does not wait for RabbitMQ: the spool and the files are erased at once, and the command says that RabbitMQ is left.
func TestForgetErasesTheSpoolWhileRabbitMQIsDown(t *testing.T) {
	t.Parallel()
	rabbit := newRelay(t, rabbitnode.URL(t))
	f := newFolder(t, "AMQP_URL="+rabbit.url)
	f.write(t, "hookline.yml", forgetDownConfig)
	receiver := f.start(t, "receiver")
	receiver.waitReady(t)
	post := func(id, person string) {
		receiver.postTo(t, "shop", nil, `{"id":"`+id+`","type":"loan","user":"`+person+`"}`)
	}
	post("1", patronID) // on RabbitMQ
	post("2", "another")
	receiver.awaitSpooled(t, 0)
	rabbit.set(true)
	post("3", patronID) // in the spool
	post("4", patronID)
	post("5", "another")
	receiver.awaitSpooled(t, 3)

	p := f.launch(t, "forget", "--match", patronID, "--yes")
	receiver.awaitSpooled(t, 1)
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil { // while it waits for RabbitMQ
		t.Fatal(err)
	}
	<-p.ended
	if code := p.cmd.ProcessState.ExitCode(); code != 130 || !strings.Contains(p.stderr.String(), "interrupted: 2 removed; run it again to go on") {
		t.Errorf("interrupted: exit code %d: %s", code, p.stderr.String())
	}
	expectNowhere(t, filepath.Join(f.dir, "data"), patronID)

	post("6", patronID)
	receiver.awaitSpooled(t, 2)
	down := f.run(t, "forget", "--match", patronID, "--yes")
	for _, want := range []string{"not all of RabbitMQ was searched", "the broker is down", "run the command again", "correct broker.url"} {
		if down.code != 1 || !strings.Contains(down.stderr, want) || !strings.Contains(down.stdout, "removed 1 events") {
			t.Errorf("no %q: %+v", want, down)
		}
	}
	expectNowhere(t, filepath.Join(f.dir, "data"), patronID)

	rabbit.set(false)
	receiver.awaitSpooled(t, 0)
	if r := f.run(t, "forget", "--match", patronID, "--yes"); r.code != 0 || !strings.Contains(r.stdout, "all    work") || strings.Contains(r.stdout, "@spool") {
		t.Errorf("with RabbitMQ again: %+v", r)
	}
	if r := f.run(t, "forget", "--match", patronID, "--yes"); r.code != 0 || !strings.Contains(r.stdout, "found no stored event") {
		t.Errorf("a last time: %+v", r)
	}
	worker := f.start(t, "worker")
	for range 2 { // those of the other person
		worker.log(t, "delivery done")
	}
	expectNowhere(t, f.dir, patronID)
	if audit := f.run(t, "audit"); audit.code != 0 {
		t.Errorf("audit: %+v", audit)
	}
}

// awaitSpooled waits until n events are in the spool.
func (p *process) awaitSpooled(t *testing.T, n int) {
	t.Helper()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for late := time.After(patience); p.sum(t, "spool_waiting") != n; {
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("%d events are in the spool, want %d", p.sum(t, "spool_waiting"), n)
		}
	}
}
