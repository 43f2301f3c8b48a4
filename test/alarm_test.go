package test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/test/rabbitnode"
)

// deadLetters stores n dead letters of the route forward, and stops the processes.
func (f folder) deadLetters(t *testing.T, n int) {
	t.Helper()
	receiver, worker := f.start(t, "receiver"), f.start(t, "worker", "--route", "forward")
	for range n {
		if sent := f.run(t, "send", "alma", "job_end", "--url", "http://"+receiver.listen); sent.code != 0 {
			t.Fatalf("send: %+v", sent)
		}
		worker.log(t, "delivery dead")
	}
	receiver.stop(t)
	worker.stop(t)
}

func TestReplayDuringAnAlarmNamesItAndARepeatCompletesIt(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(gone.Close)
	node := rabbitnode.Start(t)
	f := newFolder(t, "AMQP_URL="+node.URL(), "SINK_URL="+gone.URL)
	f.write(t, "hookline.yml", rabbitConfig)
	const n = 3
	f.deadLetters(t, n)
	if err := node.SetAlarm(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"dead", "replay", "forward", "--all"}, {"dead", "discard", "forward", "--all", "--yes"}} {
		began := time.Now()
		r := f.run(t, args...)
		t.Logf("%v answered after %s: %s", args, time.Since(began).Round(time.Second), r.stderr)
		if r.code != 1 || !strings.Contains(r.stderr, "nothing was "+args[1]) || !strings.Contains(r.stderr, "the broker is blocked") || !strings.Contains(r.stderr, "rabbitmq-diagnostics alarms") {
			t.Errorf("%v during the alarm: %+v", args, r)
		}
	}
	p := f.launch(t, "dead", "replay", "forward", "--all")
	for !strings.HasPrefix(p.next(t), "hookline: still trying: ") {
	}
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if said := p.next(t); !strings.Contains(said, "interrupted: 0 of 3 replayed; run it again to go on") {
		t.Errorf("interrupted: %s", said)
	}
	<-p.ended
	if code := p.cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d of the interrupted command", code)
	}
	if err := node.SetAlarm(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if r := f.run(t, "dead", "replay", "forward", "--all"); r.code != 0 || !strings.Contains(r.stdout, "replayed 3") {
		t.Errorf("after the alarm: %+v", r)
	}
	for queue, want := range map[string]int{broker.WorkQueue("forward"): n, broker.DeadQueue("forward"): 0} {
		if waiting, err := node.Broker().Messages("/", queue); waiting != want || err != nil {
			t.Errorf("%s has %d events, want %d: %v", queue, waiting, want, err)
		}
	}
}

// next waits for the next log line and returns its message.
func (p *process) next(t *testing.T) string {
	t.Helper()
	select {
	case line := <-p.lines:
		text, _ := line["msg"].(string)
		return text
	case <-time.After(patience):
		t.Fatal("no line came")
		return ""
	}
}
