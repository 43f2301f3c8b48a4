package test

import (
	"net"
	"strings"
	"testing"
	"unicode/utf8"

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
	for _, p := range []*process{receiver, worker} {
		p.waitReady(t)
	}
	if r := f.run(t, "health"); r.code != 0 || !strings.Contains(r.stdout, receiver.private+": ok\n") || !strings.Contains(r.stdout, worker.private+": ok\n") {
		t.Errorf("health: %+v", r)
	}
	if r := f.run(t, "health", "--url", "http://"+worker.private); r.code != 0 || r.stdout != "ok\n" {
		t.Errorf("health of the worker: %+v", r)
	}
	receiver.stop(t)
	if r := f.run(t, "health"); r.code != 1 || !strings.Contains(r.stderr, "no answer") {
		t.Errorf("health without the receiver: %+v", r)
	}
}

// TestTablesFitATerminal looks at the commands for queues, topology and audit in 80 columns, with a long name of a route.
func TestTablesFitATerminal(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("nightly-exports-", 3) + "x"
	f := newFolder(t, "AMQP_URL="+rabbitnode.URL(t), "SINK_URL=http://127.0.0.1:1")
	f.write(t, "hookline.yml", strings.Replace(rabbitConfig, "  archive:", "  "+long+":", 1))
	if r := f.run(t, "topology", "apply"); r.code != 0 {
		t.Fatalf("topology apply: %+v", r)
	}
	for _, args := range [][]string{{"queues"}, {"topology", "plan"}, {"audit"}} {
		s := f.terminal(t, 80, args...)
		_, _ = s.shown.ReadFrom(s.screen) // the end of a terminal is an error
		_ = s.cmd.Wait()
		tables, _, _ := strings.Cut(s.shown.String(), "(cut to")
		tables, _, _ = strings.Cut(tables, "Counted since")
		tables, _, _ = strings.Cut(tables, "AMQP cannot")
		for line := range strings.Lines(tables) {
			if line = strings.TrimRight(line, "\r\n"); utf8.RuneCountInString(line) > 80 && !strings.HasPrefix(line, "NAME ") { // the name of a binding is whole, so that it can be copied
				t.Errorf("hookline %v: %d columns: %s", args, utf8.RuneCountInString(line), line)
			}
		}
		if r := f.run(t, args...); !strings.Contains(r.stdout, long+" ") && !strings.Contains(r.stdout, long+"\n") || strings.Contains(r.stdout, "…") {
			t.Errorf("hookline %v in a pipe: %s", args, r.stdout)
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
sources: { alma: { preset: alma, secrets: first-test-secret } }
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
