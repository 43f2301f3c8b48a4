package rabbitmq_test

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap/zaptest"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/brokertest"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/test/rabbitnode"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("os/exec.(*Cmd).Wait"), // the shared node, which lives as long as the process
		goleak.IgnoreAnyFunction("os/exec.(*Cmd).writerDescriptor.func1"),
	)
}

// patience is how long a test waits, on a busy machine.
const patience = 2 * time.Minute

func TestConformance(t *testing.T) {
	t.Parallel()
	brokertest.Run(t, func(t *testing.T) brokertest.Open {
		url := rabbitnode.URL(t)
		return func(t *testing.T, routes []broker.Route) brokertest.Broker {
			return mortal{open(t, rabbitmq.Config{URLs: []string{url}, Routes: routes, Duplicates: brokertest.Window, RouteBytes: brokertest.RouteBytes})}
		}
	})
}

// mortal is a broker that can end with running handlers, as if its process had died.
type mortal struct{ *rabbitmq.Broker }

func (m mortal) Crash(t *testing.T) {
	if err := m.Close(patient(t)); err != nil { // its unsettled deliveries go back with the connection
		t.Error(err)
	}
}

// open opens a broker and closes it at the end of the test.
func open(t testing.TB, cfg rabbitmq.Config) *rabbitmq.Broker {
	t.Helper()
	rabbit, err := rabbitmq.Open(cfg, prometheus.NewRegistry(), zaptest.NewLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := rabbit.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return rabbit
}
