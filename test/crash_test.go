package test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/test/rabbitnode"
)

// crashConfig has a handler that kills its worker when it handles a loan, after all events are stored.
const crashConfig = `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
broker: { url: "${AMQP_URL:-embedded}" }
sources: { alma: { preset: alma, secrets: first-test-secret } }
routes:
  script:
    match: "#"
    handler: { kind: exec, command: ["sh", "handle.sh"] }
    concurrency: 2
    retry: { attempts: 1, first: 1s, max: 1s } # a crash has three attempts in any case
  neighbour: { match: "#", handler: { kind: file, dir: export } }
`

const crashScript = `
until test -e armed; do sleep 0.05; done
case $HOOKLINE_ACTION in loan.*) echo $HOOKLINE_ATTEMPT >> kills; kill -9 $PPID; exit;; esac
touch done-$HOOKLINE_ID
`

func TestAnEventThatCrashesItsHandlerDiesAloneOnTheEmbeddedBroker(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.write(t, "hookline.yml", crashConfig)
	diesAlone(t, f, f.start(t, "run"), "run")
}

func TestAnEventThatCrashesItsHandlerDiesAloneOnRabbitMQ(t *testing.T) {
	t.Parallel()
	f := newFolder(t, "AMQP_URL="+rabbitnode.URL(t))
	f.write(t, "hookline.yml", crashConfig)
	diesAlone(t, f, f.start(t, "receiver"), "worker")
}

// diesAlone sends an event that kills the process of the role among harmless events, and restarts the process after each
// kill.
func diesAlone(t *testing.T, f folder, receiver *process, role string) {
	t.Helper()
	const neighbours, attempts = 12, 3
	f.write(t, "handle.sh", crashScript)
	for _, args := range [][]string{{"job_end", "-n", "6"}, {"loan.loan_created"}, {"job_end", "-n", "6"}} {
		if sent := f.run(t, append([]string{"send", "alma", "--url", "http://" + receiver.listen}, args...)...); sent.code != 0 {
			t.Fatalf("send: %+v", sent)
		}
	}
	f.write(t, "armed", "")
	worker := receiver
	if role == "worker" {
		worker = f.start(t, role)
	}
	var dead []broker.UndeliveredEvent
	for deadline := time.Now().Add(3 * patience); ; {
		done, beside := f.count(t, "done-*"), f.count(t, "export/*/*/*/*")
		if len(dead) > 0 && done == neighbours && beside == neighbours+1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d dead, %d of %d neighbours done, %d of %d on the route beside it", len(dead), done, neighbours, beside, neighbours+1)
		}
		select {
		case <-worker.ended:
			worker = f.launch(t, role)
		default:
		}
		if listed := f.run(t, "dead", "list", "--json"); listed.code == 0 {
			if err := json.Unmarshal([]byte(listed.stdout), &dead); err != nil {
				t.Fatalf("dead list: %v: %s", err, listed.stdout)
			}
		}
	}
	if len(dead) != 1 || dead[0].Reason != broker.ReasonCrashed || dead[0].Attempts != attempts || !strings.HasPrefix(dead[0].Event.Action, "loan.") {
		t.Errorf("dead letters %+v, want the one event that kills, after %d attempts", dead, attempts)
	}
	if kills := strings.Fields(read(t, filepath.Join(f.dir, "kills"))); strings.Join(kills, " ") != "1 2 3" {
		t.Errorf("it was tried as attempts %v", kills)
	}
}

func TestACommandEndsWhenItsWorkerIsKilled(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells a process that its parent has died")
	}
	f := newFolder(t)
	fifo := filepath.Join(f.dir, "running")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	f.write(t, "hookline.yml", `
sources: { alma: { preset: alma, secrets: first-test-secret } }
routes: { long: { match: "#", handler: { kind: exec, command: [sh, -c, "exec > running; echo yes; exec sleep 600"] } } }
`)
	p := f.start(t, "run")
	if sent := f.run(t, "send", "alma", "job_end", "--url", "http://"+p.listen); sent.code != 0 {
		t.Fatalf("send: %+v", sent)
	}
	fifoEnd, err := os.Open(fifo) // once the command has, too
	if err != nil {
		t.Fatal(err)
	}
	defer fifoEnd.Close()
	if err := fifoEnd.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	running := bufio.NewReader(fifoEnd)
	if text, err := running.ReadString('\n'); text != "yes\n" || err != nil {
		t.Fatalf("%q, %v", text, err)
	}
	p.kill()
	if _, err := running.ReadByte(); !errors.Is(err, io.EOF) { // its end is that of the command
		t.Error(err)
	}
}

func (f folder) count(t *testing.T, pattern string) int {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(f.dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}
