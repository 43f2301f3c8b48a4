package test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/hookline/hookline/test/rabbitnode"
)

// refusalConfig takes bodies that are larger than the node of the test takes.
const refusalConfig = `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
broker: { url: "${AMQP_URL}" }
sources: { alma: { preset: alma, secrets: first-test-secret, when_down: spool, max_body: 4000000 } }
routes:
  forward: { match: "#", handler: { kind: http, url: "${SINK_URL}" }, concurrency: 1 }
`

// RabbitMQ refuses an event that was answered 200. It has to cost no other event, and a person has to find it.
func TestAnEventThatIsTooLargeForRabbitMQCostsNoOther(t *testing.T) {
	t.Parallel()
	node := rabbitnode.Start(t, "max_message_size = 1048576")
	sink := newSink(t)
	sink.release()
	f := newFolder(t, "AMQP_URL="+node.URL(), "SINK_URL="+sink.URL)
	f.write(t, "hookline.yml", refusalConfig)
	receiver := f.start(t, "receiver")
	f.start(t, "worker")
	expectAnswer(t, receiver, "first", 0, http.StatusOK)
	if err := node.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	expectAnswer(t, receiver, "large", 2_000_000, http.StatusOK)
	want := map[string]bool{"first": true}
	for n := range 100 {
		want["spooled-"+strconv.Itoa(n)] = true
		expectAnswer(t, receiver, "spooled-"+strconv.Itoa(n), 0, http.StatusOK)
	}
	if err := node.StartAgain(t.Context()); err != nil {
		t.Fatal(err)
	}
	receiver.log(t, "the broker refused a spooled event for good; it is a dead letter of the spool: see `hookline dead list @spool`")
	reconnects := receiver.sum(t, "broker_reconnects_total")
	for n := range 100 {
		want["live-"+strconv.Itoa(n)] = true
		expectAnswer(t, receiver, "live-"+strconv.Itoa(n), 0, http.StatusOK)
		expectAnswer(t, receiver, "large-"+strconv.Itoa(n), 2_000_000, http.StatusRequestEntityTooLarge)
	}
	for len(want) > 0 {
		delete(want, sink.next(t))
	}
	if after := receiver.sum(t, "broker_reconnects_total"); after > reconnects+1 { // the connection that consumes may come later
		t.Errorf("%d reconnects", after-reconnects)
	}
	if n := receiver.sum(t, "spool_stored_total"); n > 105 { // a busy machine may be slow with the first event and with the restart
		t.Errorf("%d events were spooled, not 101", n)
	}
	f.decideAboutTheDeadLetter(t, receiver)
}

// decideAboutTheDeadLetter shows, replays and discards the spool's one dead letter by commands.
func (f folder) decideAboutTheDeadLetter(t *testing.T, receiver *process) {
	t.Helper()
	for _, step := range []struct{ command, want string }{
		{"dead list", "@spool"},
		{"dead show @spool large", `"route": "@spool"`},
		{"audit", "Every stored event is accounted for"},
		{"dead replay @spool large", "replayed 1 of route @spool"},
	} {
		if r := f.run(t, strings.Fields(step.command)...); r.code != 0 || !strings.Contains(r.stdout, step.want) {
			t.Errorf("%s: %+v", step.command, r)
		}
	}
	receiver.log(t, "the broker refused a spooled event for good; it is a dead letter of the spool: see `hookline dead list @spool`")
	if r := f.run(t, "dead", "discard", "@spool", "large"); r.code != 0 || !strings.Contains(r.stdout, "discarded 1 of route @spool") {
		t.Errorf("discard: %+v", r)
	}
	if r := f.run(t, "dead", "list", "@spool"); r.code != 0 || !strings.Contains(r.stdout, "no dead letters") {
		t.Errorf("list: %+v", r)
	}
}
