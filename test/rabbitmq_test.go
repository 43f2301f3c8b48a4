package test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/test/rabbitnode"
)

const rabbitConfig = `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
broker: { url: "${AMQP_URL}" }
sources: { alma: { preset: alma, secrets: first-test-secret } }
routes:
  archive: { match: "#", handler: { kind: file, dir: export } }
  forward: { match: "alma.job_end", handler: { kind: http, url: "${SINK_URL}" }, retry: { attempts: 3, first: 1s, max: 1s } }
`

// sink is the target of the route forward. Each request waits until hold is closed.
type sink struct {
	*httptest.Server
	arrived chan string
	hold    chan struct{}
	once    sync.Once
}

func newSink(t *testing.T) *sink {
	t.Helper()
	s := &sink{arrived: make(chan string, 1000), hold: make(chan struct{})}
	s.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s.arrived <- r.Header.Get("Hookline-Id")
		select {
		case <-s.hold:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() { s.release(); s.Close() })
	return s
}

func (s *sink) release() { s.once.Do(func() { close(s.hold) }) }

// next waits for the ID of the next request.
func (s *sink) next(t *testing.T) string {
	t.Helper()
	select {
	case id := <-s.arrived:
		return id
	case <-time.After(patience):
		t.Fatal("nothing more arrives")
		return ""
	}
}

func TestAKilledWorkerLosesNothing(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	f := newFolder(t, "AMQP_URL="+rabbitnode.URL(t), "SINK_URL="+sink.URL)
	f.write(t, "hookline.yml", rabbitConfig)
	receiver, doomed := f.start(t, "receiver"), f.start(t, "worker")
	const events = 20
	if sent := f.run(t, "send", "alma", "job_end", "-n", strconv.Itoa(events), "--url", "http://"+receiver.listen); sent.code != 0 {
		t.Fatalf("send: %+v", sent)
	}
	sink.next(t) // it is in mid-work
	doomed.kill()
	sink.release()
	f.start(t, "worker")
	f.start(t, "worker")
	handled := map[string]bool{}
	for len(handled) < events {
		handled[sink.next(t)] = true
	}
	f.settled(t, events)
}

// settled waits until `hookline queues` shows no waiting event and each event has its exported file, which the worker writes later.
func (f folder) settled(t *testing.T, events int) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		shown := f.run(t, "queues", "--json")
		var queues []broker.QueueInfo
		if err := json.Unmarshal([]byte(shown.stdout), &queues); err != nil || time.Now().After(deadline) {
			t.Fatalf("queues: %+v, %v", shown, err)
		}
		n := len(filesBelow(t, filepath.Join(f.dir, "export")))
		if n > events {
			t.Fatalf("%d files of %d events", n, events)
		}
		if n == events && !slices.ContainsFunc(queues, func(q broker.QueueInfo) bool { return q.Waiting > 0 }) {
			return
		}
	}
}

func TestReceiverAnswers503WhileRabbitMQIsDownAndRecoversByItself(t *testing.T) {
	t.Parallel()
	node := rabbitnode.Start(t)
	sink := newSink(t)
	sink.release()
	f := newFolder(t, "AMQP_URL="+node.URL(), "SINK_URL="+sink.URL)
	f.write(t, "hookline.yml", rabbitConfig)
	receiver := f.start(t, "receiver")
	f.start(t, "worker")
	send := func() result { return f.run(t, "send", "alma", "job_end", "--url", "http://"+receiver.listen) }
	if sent := send(); sent.code != 0 {
		t.Fatalf("send: %+v", sent)
	}
	sink.next(t)

	if err := node.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if sent := send(); sent.code != 1 || !strings.Contains(sent.stdout+sent.stderr, "503") {
		t.Errorf("while RabbitMQ is down: %+v", sent)
	}
	if took := time.Since(start); took > 6*time.Second { // 5 s are Alma's, the rest is the command's own start
		t.Errorf("the answer took %v", took)
	}

	if err := node.StartAgain(t.Context()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); send().code != 0; {
		if time.Now().After(deadline) {
			t.Fatal("the receiver does not recover")
		}
	}
	sink.next(t)
}

func TestAReceiverThatReachesNoRabbitMQStopsCleanly(t *testing.T) {
	t.Parallel()
	f := newFolder(t, "AMQP_URL=amqp://127.0.0.1:1/", "SINK_URL=http://127.0.0.1:1")
	f.write(t, "hookline.yml", rabbitConfig)
	receiver := f.start(t, "receiver")
	receiver.log(t, "no connection to RabbitMQ; trying again")
	if sent := f.run(t, "send", "alma", "job_end", "--url", "http://"+receiver.listen); sent.code == 0 {
		t.Errorf("send: %+v", sent)
	}
	if code := receiver.stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestDeadLettersAreListedReplayedAndDiscarded(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(gone.Close)
	f := newFolder(t, "AMQP_URL="+rabbitnode.URL(t), "SINK_URL="+gone.URL)
	f.write(t, "hookline.yml", rabbitConfig)
	receiver, worker := f.start(t, "receiver"), f.start(t, "worker", "--route", "forward")
	for range 2 {
		f.run(t, "send", "alma", "job_end", "--url", "http://"+receiver.listen)
		worker.log(t, "delivery dead")
	}
	list := f.run(t, "dead", "list", "forward")
	if strings.Count(list.stdout, "answered 404") != 2 {
		t.Fatalf("dead list: %+v", list)
	}
	f.write(t, "more.yml", rabbitConfig+"  more: { match: \"#\", handler: { kind: log } }\n") // whose queue is not there
	if all := f.run(t, "dead", "list", "-c", "more.yml"); all.code != 1 || strings.Count(all.stdout, "answered 404") != 2 || !strings.Contains(all.stderr, "hookline topology apply") {
		t.Errorf("dead list beside a missing queue: %+v", all)
	}
	id := strings.Fields(strings.Split(list.stdout, "\n")[1])[1]
	if shown := f.run(t, "dead", "show", "forward", id); !strings.Contains(shown.stdout, `"data_base64"`) {
		t.Errorf("dead show: %+v", shown)
	}
	if replayed := f.run(t, "dead", "replay", "forward", id); replayed.code != 0 {
		t.Errorf("dead replay: %+v", replayed)
	}
	worker.log(t, "delivery dead")
	if discarded := f.run(t, "dead", "discard", "forward", "--all", "--yes"); !strings.Contains(discarded.stdout, "discarded 2") {
		t.Errorf("dead discard: %+v", discarded)
	}
	if list := f.run(t, "dead", "list"); !strings.Contains(list.stdout, "no dead letters") {
		t.Errorf("dead list at the end: %+v", list)
	}
}

func TestTopologyPlanAppliesAndNamesADifference(t *testing.T) {
	t.Parallel()
	f := newFolder(t, "AMQP_URL="+rabbitnode.URL(t), "SINK_URL=http://127.0.0.1:1")
	f.write(t, "hookline.yml", rabbitConfig)
	if plan := f.run(t, "topology", "plan"); plan.code != 3 || !strings.Contains(plan.stdout, "missing") {
		t.Errorf("plan of nothing: %+v", plan)
	}
	if applied := f.run(t, "topology", "apply"); applied.code != 0 || strings.Contains(applied.stdout, "AMQP cannot show") {
		t.Errorf("apply: %+v", applied)
	}
	if plan := f.run(t, "topology", "plan"); plan.code != 0 || !strings.HasSuffix(plan.stdout, "\nAMQP cannot show bindings; `hookline topology apply` makes all of them.\n") {
		t.Errorf("plan after apply: %+v", plan)
	}
}

func TestUnbindTakesAPatternAwayThatTheConfigurationNoLongerHas(t *testing.T) {
	t.Parallel()
	f := newFolder(t, "AMQP_URL="+rabbitnode.URL(t), "SINK_URL=http://127.0.0.1:1")
	f.write(t, "hookline.yml", strings.Replace(rabbitConfig, `match: "alma.job_end"`, `match: [alma.job_end, "github.#"]`, 1))
	if applied := f.run(t, "topology", "apply"); applied.code != 0 {
		t.Fatalf("apply: %+v", applied)
	}
	f.write(t, "hookline.yml", rabbitConfig)
	for _, c := range []struct {
		route, pattern string
		code           int
		want           string
	}{
		{"forward", "alma.job_end", 2, "route forward still has alma.job_end in its match, so the next start would bind it again; remove it from the configuration first"},
		{"forwards", "github.#", 1, "there is no queue of a route \"forwards\"; `hookline queues` lists the queues"},
		{"forward", "github.#", 0, "github.# is not bound to route forward now; RabbitMQ does not say whether it was bound before\n"},
		{"forward", "github.#", 0, "github.# is not bound to route forward now; RabbitMQ does not say whether it was bound before\n"},
	} {
		if r := f.run(t, "topology", "unbind", c.route, c.pattern); r.code != c.code || !strings.Contains(r.stdout+r.stderr, c.want) {
			t.Errorf("unbind %s %s: %+v, want %d with %q", c.route, c.pattern, r, c.code, c.want)
		}
	}
	if r := f.run(t, "topology", "unbind", "forward"); r.code != 2 || !strings.Contains(r.stderr, "Try: hookline topology unbind --help") {
		t.Errorf("without a pattern: %+v", r)
	}
}

func TestReadingCommandsDeclareNothing(t *testing.T) {
	t.Parallel()
	f := newFolder(t, "AMQP_URL="+rabbitnode.URL(t), "SINK_URL=http://127.0.0.1:1")
	f.write(t, "hookline.yml", rabbitConfig)
	for _, args := range [][]string{{"dead", "list"}, {"unrouted", "list"}, {"unrouted", "discard", "--all", "--yes"}} {
		if shown := f.run(t, args...); shown.code != 1 || !strings.Contains(shown.stderr, "hookline topology apply") {
			t.Errorf("%v: %+v", args, shown)
		}
	}
	f.refusesUnknownRoutes(t)
	if shown := f.run(t, "worker", "--route", "archiv"); shown.code != 2 || !strings.Contains(shown.stderr, "archiv") {
		t.Errorf("worker: %+v", shown)
	}
	if shown := f.run(t, "queues"); shown.code != 0 || !strings.Contains(shown.stdout, "missing") || !strings.Contains(shown.stdout, "hookline topology apply") {
		t.Errorf("queues: %+v", shown)
	}
	if applied := f.run(t, "topology", "apply"); applied.code != 0 || !strings.Contains(applied.stdout, "made") {
		t.Errorf("apply: %+v", applied)
	}
	if shown := f.run(t, "queues"); shown.code != 0 || strings.Contains(shown.stdout, "missing") {
		t.Errorf("queues after apply: %+v", shown)
	}
}

func TestAddressesAreShownWithoutPasswords(t *testing.T) {
	t.Parallel()
	f := newFolder(t, "AMQP_URL=amqp://user:hunter2@127.0.0.1:1/", "SINK_URL=http://127.0.0.1:1")
	f.write(t, "hookline.yml", rabbitConfig)
	for _, args := range [][]string{{"queues"}, {"config", "show"}, {"topology", "plan"}} {
		cmd := f.command(t, args...)
		out, _ := (&exec.Cmd{Path: cmd.Path, Args: cmd.Args, Dir: cmd.Dir, Env: cmd.Env}).CombinedOutput()
		if strings.Contains(string(out), "hunter2") {
			t.Errorf("%v shows the password: %s", args, out)
		}
	}
}
