package test

import (
	"context"
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/test/rabbitnode"
)

const undeclaredConfig = `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
broker: { url: "${AMQP_URL}" }
sources: { alma: { preset: alma, secrets: first-test-secret } }
routes: { loans: { match: "alma.loan.#", handler: { kind: log } } }
`

// bindByHand makes a queue that gets events by a pattern.
func bindByHand(t *testing.T, url, queue, pattern string) {
	t.Helper()
	conn, err := amqp.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ch.QueueDeclare(queue, true, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	if err := ch.QueueBind(queue, pattern, "hookline.events", false, nil); err != nil {
		t.Fatal(err)
	}
}

// Without the management API nothing tells such a queue from a loss. With it the audit names the queue and counts its events apart, and
// not those that match none of its patterns.
func TestEventsInAQueueThatSomebodyBoundByHandAreSetApart(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	f := newFolder(t, "AMQP_URL="+url, "MANAGEMENT="+rabbitnode.Shared(t).API)
	f.write(t, "hookline.yml", undeclaredConfig)
	f.write(t, "asking.yml", strings.Replace(undeclaredConfig, `"${AMQP_URL}"`, `"${AMQP_URL}", management: "${MANAGEMENT}"`, 1))
	p := f.start(t, "receiver")
	p.log(t, "connected to RabbitMQ")
	bindByHand(t, url, "by-hand", "alma.job_end")
	for _, action := range []string{"job_end", "bib.bib_created"} { // the second is unrouted
		if sent := f.run(t, "send", "alma", action, "--url", "http://"+p.listen); sent.code != 0 {
			t.Fatalf("send: %+v", sent)
		}
	}
	audit := f.run(t, "audit")
	if audit.code != 4 || !strings.Contains(audit.stdout, "may be in a queue that somebody bound to the exchange hookline.events by hand") {
		t.Errorf("audit without the management API: %+v", audit)
	}
	asked := f.run(t, "audit", "--config", "asking.yml")
	if asked.code != 0 || !strings.Contains(asked.stdout, "Queue by-hand is bound to the events by alma.job_end") ||
		!strings.Contains(asked.stdout, "1 events are in queues that no configuration declares; all others are accounted for.") {
		t.Errorf("audit: %+v", asked)
	}
	if text := f.run(t, "audit", "--config", "asking.yml", "--json").stdout; !strings.Contains(text, `"undeclared": 1`) || !strings.Contains(text, `"queue": "by-hand"`) {
		t.Errorf("JSON: %s", text)
	}

	vhost := rabbitnode.VhostOf(url)
	if err := rabbitnode.Shared(t).DeleteQueue(context.WithoutCancel(t.Context()), vhost, "hookline.unrouted"); err != nil {
		t.Fatal(err)
	}
	if lost := f.run(t, "audit", "--config", "asking.yml"); lost.code != 4 || !strings.Contains(lost.stdout, "(unrouted) 1") {
		t.Errorf("audit after a loss: %+v", lost)
	}
}
