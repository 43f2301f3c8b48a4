package test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/sender"
	"github.com/hookline/hookline/test/rabbitnode"
)

// spoolConfig has a route that forwards one event at a time, so that the test sees their order.
const spoolConfig = `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
broker: { url: "${AMQP_URL}" }
spool: { max_bytes: "${SPOOL_BYTES:-1073741824}" }
sources: { alma: { preset: alma, secrets: first-test-secret, when_down: spool } }
routes:
  forward: { match: "#", handler: { kind: http, url: "${SINK_URL:-http://127.0.0.1:1}" }, concurrency: 1 }
`

// noBroker is an address without a listener.
const noBroker = "AMQP_URL=amqp://guest:guest@127.0.0.1:1/"

// almaSends sends an event of Alma with an ID and a size in bytes, and returns the answer.
func almaSends(ctx context.Context, t *testing.T, listen, id string, size int) (sender.Answer, error) {
	t.Helper()
	scheme, _ := signature.Preset("alma")
	verifier, err := signature.New(scheme, []signature.Secret{{Value: "first-test-secret"}})
	if err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(`{"id":%q,"action":"JOB_END","pad":%q}`, id, strings.Repeat("x", size))
	m := sender.Message{ID: id, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(body)}
	return sender.Send(ctx, sender.Target{URL: "http://" + listen + "/webhooks/alma"}, m, verifier)
}

// expectAnswer sends one event and checks the code of the answer.
func expectAnswer(t *testing.T, p *process, id string, size, code int) sender.Answer {
	t.Helper()
	answer, err := almaSends(t.Context(), t, p.listen, id, size)
	if err != nil || answer.Code != code {
		t.Fatalf("event %s was answered %d %s, not %d: %v", id, answer.Code, answer.Body, code, err)
	}
	return answer
}

func TestAReceiverKilledWhileItSpoolsLosesNothingAndKeepsTheOrder(t *testing.T) {
	t.Parallel()
	node := rabbitnode.Start(t)
	sink := newSink(t)
	sink.release()
	f := newFolder(t, "AMQP_URL="+node.URL(), "SINK_URL="+sink.URL)
	f.write(t, "hookline.yml", spoolConfig)
	receiver := f.start(t, "receiver")
	expectAnswer(t, receiver, "first", 0, http.StatusOK) // RabbitMQ has everything declared
	if err := node.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	var taken []string
	for life := range 3 {
		taken = append(taken, killedUnderLoad(t, receiver, life)...)
		receiver = f.start(t, "receiver")
	}
	if code, text := receiver.look(t, "/readyz"); code != http.StatusOK || !strings.Contains(text, "spooled") {
		t.Errorf("/readyz: %d %s", code, text)
	}
	if err := node.StartAgain(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.start(t, "worker")
	var arrived []string
	for missing := len(taken) + 1; missing > 0; {
		id := sink.next(t)
		if !slices.Contains(arrived, id) && (id == "first" || slices.Contains(taken, id)) {
			missing--
		}
		arrived = append(arrived, id)
	}
	expectOrder(t, arrived)
	t.Logf("%d events were answered 200 without RabbitMQ, over 3 kills; %d deliveries", len(taken), len(arrived)-1)
}

func TestEventsAreSpooledWhileRabbitMQHasAnAlarm(t *testing.T) {
	t.Parallel()
	node := rabbitnode.Start(t)
	sink := newSink(t)
	sink.release()
	f := newFolder(t, "AMQP_URL="+node.URL(), "SINK_URL="+sink.URL)
	f.write(t, "hookline.yml", spoolConfig)
	receiver := f.start(t, "receiver")
	f.start(t, "worker")
	expectAnswer(t, receiver, "well", 0, http.StatusOK)
	if err := node.SetAlarm(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"well": true}
	for n := range 5 {
		want[fmt.Sprint(n)] = true
		expectAnswer(t, receiver, fmt.Sprint(n), 0, http.StatusOK)
	}
	receiver.log(t, "event spooled")
	if err := node.SetAlarm(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	for len(want) > 0 {
		delete(want, sink.next(t))
	}
}

// killedUnderLoad kills the receiver while eight senders send, and returns the IDs that were answered 200. Each sender
// sends one event after another.
func killedUnderLoad(t *testing.T, receiver *process, life int) (taken []string) {
	t.Helper()
	var mu sync.Mutex
	var senders sync.WaitGroup
	enough := make(chan struct{})
	for s := range 8 {
		senders.Go(func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("%d-%d-%05d", life, s, n)
				answer, err := almaSends(t.Context(), t, receiver.listen, id, 500)
				if err != nil {
					return // killed
				}
				if answer.Code != http.StatusOK {
					t.Errorf("event %s was answered %d %s", id, answer.Code, answer.Body)
					return
				}
				mu.Lock()
				if taken = append(taken, id); len(taken) == 150 {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	select {
	case <-enough:
	case <-time.After(patience):
		t.Error("the receiver is too slow")
	}
	receiver.kill()
	senders.Wait()
	return taken
}

// expectOrder checks that the first deliveries of each sender's events have the order of sending.
func expectOrder(t *testing.T, arrived []string) {
	t.Helper()
	seen, last := map[string]bool{}, map[string]string{}
	for _, id := range arrived {
		by := strings.TrimRight(id, "0123456789") // life and sender
		if !seen[id] && id < last[by] {
			t.Errorf("%s came after %s", id, last[by])
		}
		seen[id], last[by] = true, max(id, last[by])
	}
}

func TestDamagedSpoolIsRenamedAndReadableEventsAreKept(t *testing.T) {
	t.Parallel()
	f := newFolder(t, noBroker)
	f.write(t, "hookline.yml", spoolConfig)
	dir := filepath.Join(f.dir, "data", "spool")
	receiver := f.start(t, "receiver")
	for n := range 50 {
		expectAnswer(t, receiver, fmt.Sprint(n), 5000, http.StatusOK)
	}
	receiver.stop(t)
	file := filepath.Join(dir, "spool.db")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	torn := whole[:len(whole)/2] // its tail is gone
	if err := os.WriteFile(file, torn, 0o600); err != nil {
		t.Fatal(err)
	}
	receiver = f.start(t, "receiver")
	expectAnswer(t, receiver, "new", 0, http.StatusOK)
	kept, _ := filepath.Glob(filepath.Join(dir, "spool.db.damaged-*Z"))
	if len(kept) != 1 {
		t.Fatalf("kept %v", kept)
	}
	if aside, err := os.ReadFile(kept[0]); err != nil || string(aside) != string(torn) {
		t.Errorf("%s has %d bytes, not the %d that were found: %v", kept[0], len(aside), len(torn), err)
	}
	waiting := 0
	for line := range strings.Lines(receiver.metrics(t)) {
		_, _ = fmt.Sscanf(line, "hookline_spool_waiting %d", &waiting)
	}
	if waiting < 20 || waiting > 40 { // the new one, and about half of the others
		t.Errorf("%d events wait", waiting)
	}
}

func TestASpoolThatCannotBeWrittenIs503(t *testing.T) {
	t.Parallel()
	f := newFolder(t, noBroker)
	f.write(t, "hookline.yml", spoolConfig)
	f.write(t, "data", "a file where the folder should be")
	receiver := f.start(t, "receiver")
	if answer := expectAnswer(t, receiver, "1", 0, http.StatusServiceUnavailable); answer.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if code, text := receiver.look(t, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(text, "not a directory") {
		t.Errorf("/readyz: %d %s", code, text)
	}
	if code := receiver.stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestAFullSpoolIs503(t *testing.T) {
	t.Parallel()
	f := newFolder(t, noBroker, "SPOOL_BYTES="+strconv.Itoa(1<<20))
	f.write(t, "hookline.yml", spoolConfig)
	receiver := f.start(t, "receiver")
	const size = 300_000
	for n := range 3 {
		expectAnswer(t, receiver, fmt.Sprint(n), size, http.StatusOK)
	}
	if answer := expectAnswer(t, receiver, "3", size, http.StatusServiceUnavailable); answer.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if metrics := receiver.metrics(t); !strings.Contains(metrics, `hookline_spool_refused_total{reason="full"} 1`) {
		t.Error("the metric does not count it")
	}
}
