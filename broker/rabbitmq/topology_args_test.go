package rabbitmq

import (
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
)

func TestTopologyOfARoute(t *testing.T) {
	topology := NewTopology([]broker.Route{{Name: "archive", Match: []string{"alma.#", "github.*"}}})
	var keys []string
	for _, b := range topology.Bindings {
		if b.Queue == broker.WorkQueue("archive") {
			keys = append(keys, b.Exchange+" "+b.Key)
		}
	}
	want := []string{"hookline.return hookline.work.archive", "hookline.events alma.#", "hookline.events github.*"}
	if strings.Join(keys, "|") != strings.Join(want, "|") {
		t.Errorf("bindings %q", keys)
	}
	for _, q := range topology.Queues {
		if q.Role == roleLedger || q.Role == roleLeader {
			continue
		}
		if q.Args["x-queue-type"] != "quorum" || q.Args["x-overflow"] != "reject-publish" {
			t.Errorf("%s can lose messages: %v", q.Name, q.Args)
		}
		if q.Args["x-dead-letter-exchange"] != nil && q.Args["x-dead-letter-strategy"] != "at-least-once" {
			t.Errorf("%s can lose dead letters: %v", q.Name, q.Args)
		}
	}
}

func TestRetryQueueNames(t *testing.T) {
	for step, want := range map[time.Duration]string{time.Second: "1s", 30 * time.Second: "30s", 2 * time.Minute: "2m", 10 * time.Minute: "10m", time.Hour: "1h", 6 * time.Hour: "6h"} {
		if got := RetryQueue(step); got != "hookline.retry."+want {
			t.Errorf("RetryQueue(%v) = %s", step, got)
		}
	}
}
