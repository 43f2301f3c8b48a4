package test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/hookline/hookline/test/rabbitnode"
)

// A lost connection says nothing about an event, so it makes no dead letter, even on a route with one attempt.
func TestALostConnectionMakesNoDeadLetters(t *testing.T) {
	t.Parallel()
	const events, concurrency = 50, 16
	node, sink := rabbitnode.Start(t), newSink(t)
	f := newFolder(t, "AMQP_URL="+node.URL(), "SINK_URL="+sink.URL)
	f.write(t, "hookline.yml", strings.Replace(rabbitConfig, "retry: { attempts: 3", "concurrency: 16, retry: { attempts: 1", 1))
	receiver := f.start(t, "receiver")
	if sent := f.run(t, "send", "alma", "job_end", "-n", strconv.Itoa(events), "--url", "http://"+receiver.listen); sent.code != 0 {
		t.Fatalf("send: %+v", sent)
	}
	worker := f.start(t, "worker")
	handled := map[string]bool{}
	for range concurrency {
		handled[sink.next(t)] = true
	}
	if err := node.Ctl(t.Context(), "close_all_connections", "cut"); err != nil {
		t.Fatal(err)
	}
	sink.release()
	for len(handled) < events {
		handled[sink.next(t)] = true
	}
	f.settled(t, events) // with no dead letters
	if cut := `hookline_worker_failures_total{reason="crashed",route="forward"} 16`; !strings.Contains(worker.metrics(t), cut) {
		t.Errorf("some deliveries in flight were not interrupted: no %s", cut)
	}
}
