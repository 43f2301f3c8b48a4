package test

import (
	"net"
	"strings"
	"testing"

	"github.com/hookline/hookline/test/rabbitnode"
)

func TestReceiverAndWorkerOnOneMachineShareAConfiguration(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0") // a free port, for the receiver
	if err != nil {
		t.Fatal(err)
	}
	private := taken.Addr().String()
	_ = taken.Close()
	f := newFolder(t, "AMQP_URL="+rabbitnode.URL(t), "SINK_URL=http://127.0.0.1:1")
	f.write(t, "hookline.yml", strings.Replace(rabbitConfig, `private_listen: "127.0.0.1:0"`, `private_listen: "`+private+`"`, 1))
	receiver := f.start(t, "receiver")
	worker := f.start(t, "worker", "--route", "archive")
	warned := worker.log(t, "another process has the port of private_listen, so metrics and health are at the next free one")
	if warned["instead"] != worker.private || worker.private == receiver.private || warned["private_listen"] != private {
		t.Errorf("the receiver is at %s, the worker at %s: %v", receiver.private, worker.private, warned)
	}
	for _, p := range []*process{receiver, worker} {
		if code, text := p.look(t, "/healthz"); code != 200 {
			t.Errorf("%s: %d %s", p.private, code, text)
		}
	}
}

func TestAFixedAddressNeedsNoKeyOfAlma(t *testing.T) {
	t.Parallel()
	server, letters := smtpServer(t)
	f := newFolder(t)
	f.write(t, "hookline.yml", `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
sources: { alma: { preset: alma, secrets: first } }
routes:
  tell: { match: alma.job_end, handler: { kind: notify, text: ended, email: { host: 127.0.0.1, port: `+server+`, tls: none, from: hookline@example.org, to: operators@example.org, subject: "Ended: {{.action}}" } } }
`)
	if checked := f.run(t, "config", "check"); checked.code != 0 {
		t.Fatalf("config check: %+v", checked)
	}
	p := f.start(t, "run")
	if sent := f.run(t, "send", "alma", "job_end", "--url", "http://"+p.listen); sent.code != 0 {
		t.Fatalf("send: %+v", sent)
	}
	if letter := <-letters; !strings.Contains(letter, "To: <operators@example.org>") || !strings.Contains(letter, "Subject: Ended: job_end") {
		t.Errorf("letter: %s", letter)
	}
}
