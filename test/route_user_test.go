package test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/test/rabbitnode"
)

// TestAWorkerOfOneRouteNeedsItsQueueOnly gives a worker the user of docs/how-to/rabbitmq-users.md, and lets it retry and give up.
func TestAWorkerOfOneRouteNeedsItsQueueOnly(t *testing.T) {
	t.Parallel()
	node := rabbitnode.Start(t)
	for _, args := range [][]string{{"add_user", "hookline-worker-forward", "a-password"}, routePermissions(t, "forward")} {
		if err := node.Ctl(t.Context(), args...); err != nil {
			t.Fatal(err)
		}
	}
	u, err := url.Parse(node.URL())
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("hookline-worker-forward", "a-password")
	fails := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
	}))
	t.Cleanup(fails.Close)
	role := func(address string) folder {
		f := newFolder(t, "AMQP_URL="+address, "SINK_URL="+fails.URL)
		f.write(t, "hookline.yml", rabbitConfig)
		return f
	}
	all := role(node.URL())
	receiver := all.start(t, "receiver")
	worker := role(u.String()).start(t, "worker", "--route", "forward")
	if sent := all.run(t, "send", "alma", "job_end", "--url", "http://"+receiver.listen); sent.code != 0 {
		t.Fatalf("send: %+v", sent)
	}
	if dead := worker.log(t, "delivery dead"); dead["attempt"] != float64(3) {
		t.Errorf("the dead letter is %v", dead)
	}
	if audit := all.run(t, "audit"); audit.code != 0 {
		t.Errorf("audit: %+v", audit)
	}
	all.says(t, "route forward is paused", "routes", "pause", "forward", "--why", "a try")
	worker.awaits(t, "/readyz", "route forward is paused by a person")
	for queue, refused := range map[string]bool{"hookline.work.forward": false, "hookline.work.archive": true} {
		if got := refusedByBroker(t, u.String(), func(ch *amqp.Channel) error {
			_, err := ch.Consume(queue, "", false, false, false, false, nil)
			return err
		}); got != refused {
			t.Errorf("consuming %s is refused: %v, want %v", queue, got, refused)
		}
	}
}

// routePermissions returns the arguments of the how-to's `rabbitmqctl set_permissions` for another route.
func routePermissions(t *testing.T, route string) []string {
	t.Helper()
	page := strings.ReplaceAll(read(t, "../docs/how-to/rabbitmq-users.md"), "\\\n", "")
	for line := range strings.Lines(page) {
		if args, ok := strings.CutPrefix(line, "$ rabbitmqctl set_permissions "); ok {
			args = strings.ReplaceAll(strings.ReplaceAll(args, "heavy", route), "'", "")
			return append([]string{"set_permissions"}, strings.Fields(args)...)
		}
	}
	t.Fatal("no set_permissions")
	return nil
}
