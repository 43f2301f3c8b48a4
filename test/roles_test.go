package test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/test/rabbitnode"
)

// TestEachRoleNeedsNoMoreThanItsPermissions runs the whole pipeline, with a retry and a dead letter, as the users of
// deployments, and checks that RabbitMQ refuses them everything else.
func TestEachRoleNeedsNoMoreThanItsPermissions(t *testing.T) {
	t.Parallel()
	node := rabbitnode.Start(t)
	permissions, err := os.ReadFile("../deployments/rabbitmq/permissions.json")
	if err != nil {
		t.Fatal(err)
	}
	as := map[string]string{}
	for _, role := range []string{"receiver", "worker", "operator"} {
		if err := node.Ctl(t.Context(), "add_user", "hookline-"+role, role+"-password"); err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(node.URL())
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword("hookline-"+role, role+"-password")
		as[role] = u.String()
	}
	if err := node.Broker().Import(t.Context(), permissions); err != nil {
		t.Fatal(err)
	}

	var calls atomic.Int32
	fails := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 1 {
			w.WriteHeader(http.StatusInternalServerError) // retried
			return
		}
		w.WriteHeader(http.StatusNotFound) // given up
	}))
	t.Cleanup(fails.Close)
	role := func(name string) folder {
		f := newFolder(t, "AMQP_URL="+as[name], "SINK_URL="+fails.URL)
		f.write(t, "hookline.yml", rabbitConfig)
		return f
	}
	operator := role("operator")
	if applied := operator.run(t, "topology", "apply"); applied.code != 0 {
		t.Fatalf("topology apply: %+v", applied)
	}
	receiver, worker := role("receiver").start(t, "receiver"), role("worker").start(t, "worker")
	if sent := operator.run(t, "send", "alma", "job_end", "--url", "http://"+receiver.listen); sent.code != 0 {
		t.Fatalf("send: %+v", sent)
	}
	worker.log(t, "delivery dead")
	if replayed := operator.run(t, "dead", "replay", "forward", "--all"); !strings.Contains(replayed.stdout, "1") || replayed.code != 0 {
		t.Errorf("dead replay: %+v", replayed)
	}
	worker.log(t, "delivery dead")
	if discarded := operator.run(t, "dead", "discard", "forward", "--all", "--yes"); discarded.code != 0 {
		t.Errorf("dead discard: %+v", discarded)
	}
	for _, p := range []*process{receiver, worker} {
		metrics := p.metrics(t)
		for _, want := range []string{"hookline_broker_topology_mismatches 0\n", `hookline_broker_queue_waiting{queue="hookline.work.archive"`} {
			if !strings.Contains(metrics, want) {
				t.Errorf("no %s", want)
			}
		}
	}

	unprepared := role("receiver")
	unprepared.write(t, "hookline.yml", rabbitConfig+`  later: { match: "#", handler: { kind: log } }`)
	p := unprepared.start(t, "receiver")
	for deadline := time.Now().Add(patience); !strings.Contains(p.metrics(t), "hookline_broker_topology_mismatches 2\n"); {
		if time.Now().After(deadline) {
			t.Fatal("the queues of a route that `topology apply` has not seen are not counted as missing")
		}
	}
	const says = "RabbitMQ lacks this, and this user may not make it: run `hookline topology apply` as the operator"
	said := map[any]bool{p.log(t, says)["object"]: true, p.log(t, says)["object"]: true}
	if !said["queue hookline.dead.later"] || !said["queue hookline.work.later"] {
		t.Errorf("logged %v", said)
	}
	const lacks = "ok; but RabbitMQ lacks queue hookline.dead.later, queue hookline.work.later: run `hookline topology apply` as the operator\n"
	for deadline := time.Now().Add(patience); ; { // the connection that says so may not be the one that stores
		code, text := p.look(t, "/readyz")
		if code == http.StatusOK && text == lacks {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("readyz: %d %s", code, text)
		}
	}
	operator.write(t, "hookline.yml", rabbitConfig+`  later: { match: "#", handler: { kind: log } }`)
	if applied := operator.run(t, "topology", "apply"); applied.code != 0 {
		t.Errorf("topology apply: %+v", applied)
	}
	for deadline := time.Now().Add(patience); ; {
		if _, text := p.look(t, "/readyz"); text == "ok\n" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the receiver does not notice that the queues exist now")
		}
	}

	event := amqp.Publishing{Body: []byte("{}")}
	publish := func(exchange string) func(*amqp.Channel) error {
		return func(ch *amqp.Channel) error {
			return ch.PublishWithContext(t.Context(), exchange, "alma.job_end", false, false, event)
		}
	}
	consume := func(queue string) func(*amqp.Channel) error {
		return func(ch *amqp.Channel) error {
			_, err := ch.Consume(queue, "", false, false, false, false, nil)
			return err
		}
	}
	declare := func(ch *amqp.Channel) error {
		_, err := ch.QueueDeclare("hookline.work.another", true, false, false, false, nil)
		return err
	}
	remove := func(ch *amqp.Channel) error {
		_, err := ch.QueueDelete("hookline.work.archive", false, false, false)
		return err
	}
	if refusedByBroker(t, as["receiver"], consume("hookline.clock")) {
		t.Error("a receiver cannot emit scheduled events")
	}
	for name, c := range map[string]struct {
		role string
		try  func(*amqp.Channel) error
	}{
		"receiver consumes":              {"receiver", consume("hookline.work.archive")},
		"receiver reads dead letters":    {"receiver", consume("hookline.dead.archive")},
		"receiver publishes to a queue":  {"receiver", publish("")},
		"receiver declares":              {"receiver", declare},
		"receiver deletes":               {"receiver", remove},
		"worker takes a receiver's turn": {"worker", consume("hookline.clock")},
		"worker publishes an event":      {"worker", publish("hookline.events")},
		"worker publishes to a queue":    {"worker", publish("")},
		"worker reads dead letters":      {"worker", consume("hookline.dead.archive")},
		"worker reads unrouted":          {"worker", consume("hookline.unrouted")},
		"worker declares":                {"worker", declare},
		"worker deletes":                 {"worker", remove},
		"operator declares others' ones": {"operator", func(ch *amqp.Channel) error {
			return ch.ExchangeDeclare("others", "topic", true, false, false, false, nil)
		}},
	} {
		if !refusedByBroker(t, as[c.role], c.try) {
			t.Errorf("%s", name)
		}
	}
}

// refusedByBroker reports whether the broker closes the channel on which try works. It does so without permission.
func refusedByBroker(t *testing.T, url string, try func(*amqp.Channel) error) bool {
	t.Helper()
	conn, err := amqp.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	closed := ch.NotifyClose(make(chan *amqp.Error, 1))
	err = try(ch)
	if err == nil { // a publish has no other answer
		select {
		case why := <-closed:
			err = why
		case <-time.After(5 * time.Second):
		}
	}
	var refusal *amqp.Error
	return errors.As(err, &refusal) && refusal.Code == amqp.AccessRefused
}
