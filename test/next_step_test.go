package test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/hookline/hookline/test/rabbitnode"
)

const nothingListens = "nothing listens there: look at `rabbitmq-diagnostics status` on its machine; start RabbitMQ, or correct broker.url"

func TestErrorsOfAConnectionNameTheNextStep(t *testing.T) {
	t.Parallel()
	base, err := url.Parse(rabbitnode.Shared(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	wrongUser, wrongVhost := *base, *base
	wrongUser.User = url.UserPassword("nobody", "wrong")
	wrongVhost.Path = "/missing"
	for address, want := range map[string]string{
		wrongUser.String():       "correct user and password in broker.url",
		wrongVhost.String():      "make the virtual host of broker.url, or give the user permissions there: `rabbitmqctl list_permissions -p VHOST`",
		"amqp://nohost.invalid/": "correct the host name in broker.url",
		"amqp://127.0.0.1:1/":    nothingListens,
	} {
		f := newFolder(t, "AMQP_URL="+address, "SINK_URL=http://127.0.0.1:1")
		f.write(t, "hookline.yml", rabbitConfig)
		r := f.run(t, "queues")
		lines := strings.Split(strings.TrimSpace(r.stderr), "\n")
		if r.code != 1 || len(lines) > 2 || len(lines) == 2 && !strings.HasPrefix(lines[0], "hookline: still trying: ") || !strings.HasSuffix(lines[len(lines)-1], "("+want+")") {
			t.Errorf("%s: %+v, want %q", want, r, want)
		}
	}
}
