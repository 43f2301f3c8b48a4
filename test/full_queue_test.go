package test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/test/rabbitnode"
)

// fullQueueConfig has two routes for each event. The queue of archive gets full, and the neighbour counts.
const fullQueueConfig = `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
broker: { url: "${AMQP_URL}" }
sources: { alma: { preset: alma, secrets: first-test-secret, when_down: spool } }
routes:
  archive: { match: "#", handler: { kind: file, dir: export } }
  neighbour: { match: "#", handler: { kind: http, url: "${SINK_URL}" } }
`

// The spool tries an event that a full queue refused again and again. The neighbour must not get the event each time.
func TestAFullQueueMultipliesNoEventAtItsNeighbour(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	vhost := rabbitnode.VhostOf(url)
	sink := newSink(t)
	sink.release()
	f := newFolder(t, "AMQP_URL="+url, "SINK_URL="+sink.URL)
	f.write(t, "hookline.yml", fullQueueConfig)
	receiver := f.start(t, "receiver")
	f.start(t, "worker", "--route", "neighbour")
	if err := rabbitnode.Shared(t).LimitQueue(t.Context(), vhost, broker.WorkQueue("archive"), 3); err != nil {
		t.Fatal(err)
	}
	const stays = "the broker did not store a spooled event; it stays in the spool"
	events := 0
	for deadline, full := time.Now().Add(patience), false; !full; events += 5 {
		if sent := f.run(t, "send", "alma", "job_end", "-n", "5", "--url", "http://"+receiver.listen); sent.code != 0 || time.Now().After(deadline) {
			t.Fatalf("send: %+v", sent)
		}
		for len(receiver.lines) > 0 {
			line := <-receiver.lines
			cause, _ := line["error"].(string)
			full = full || line["msg"] == stays && strings.Contains(cause, "not stored for archive")
		}
	}
	for range 2 {
		receiver.log(t, stays)
	}
	receiver.stop(t)
	worker := f.start(t, "worker", "--route", "archive")
	for range 3 {
		worker.log(t, "delivery done") // so the queue has room
	}
	f.start(t, "receiver") // whose spool tries again at once
	for len(filesBelow(t, filepath.Join(f.dir, "export"))) < events {
		worker.log(t, "delivery done")
	}
	if audit := f.run(t, "audit"); audit.code != 0 {
		t.Errorf("audit: %+v", audit)
	}
	counts := map[string]int{}
	for len(counts) < events || len(sink.arrived) > 0 {
		counts[sink.next(t)]++
	}
	unconfirmed := receiver.unconfirmed()
	for id, n := range counts {
		if n > 2 && !unconfirmed[id] {
			t.Errorf("%s came to the neighbour %d times", id, n)
		}
	}
}

// unconfirmed returns the IDs of events that a busy machine did not confirm in time. The process has to be over.
func (p *process) unconfirmed() map[string]bool {
	ids := map[string]bool{}
	for lines := bufio.NewScanner(bytes.NewReader(p.stderr.Bytes())); lines.Scan(); {
		var line struct{ Msg, ID, Reason string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "event spooled" && line.Reason != "refused" {
			ids[line.ID] = true
		}
	}
	return ids
}
