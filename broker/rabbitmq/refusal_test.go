package rabbitmq_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/test/rabbitnode"
)

// RabbitMQ closes the channel of a message that is larger than max_message_size. The messages beside it have to be stored.
func TestATooLargeEventCostsNoOtherEvent(t *testing.T) {
	t.Parallel()
	node := rabbitnode.Start(t, "max_message_size = 1048576")
	r := route("archive", "#")
	rabbit, reconnects := counted(t, rabbitmq.Config{URLs: []string{node.URL()}, Routes: []broker.Route{r}})
	publish(t, rabbit, anEvent("first"))
	large := anEvent("large")
	large.Data = make([]byte, 2_000_000)
	publishBeside(t, rabbit, 300, func() {
		for range 20 {
			if err := rabbit.Publish(patient(t), large); !errors.Is(err, broker.ErrTooLarge) || !strings.Contains(err.Error(), "1048576") {
				t.Errorf("the large event: %v", err)
			}
		}
	})
	large.Data = large.Data[:1<<20]
	publish(t, rabbit, large)
	if n := reconnects(); n > 0 {
		t.Errorf("%v connections after the first", n)
	}
}

// RabbitMQ closes the channel of a message whose routing key its user may not write.
func TestAnEventThatPermissionsRefuseCostsNoOtherEvent(t *testing.T) {
	t.Parallel()
	node := rabbitnode.Start(t)
	if err := node.Ctl(patient(t), "set_topic_permissions", "guest", rabbitmq.EventsExchange, "^alma.job", ".*"); err != nil {
		t.Fatal(err)
	}
	r := route("archive", "#")
	rabbit, reconnects := counted(t, rabbitmq.Config{URLs: []string{node.URL()}, Routes: []broker.Route{r}})
	publish(t, rabbit, anEvent("first"))
	forbidden := anEvent("forbidden")
	forbidden.Action = "loan"
	publishBeside(t, rabbit, 300, func() {
		for range 20 {
			if err := rabbit.Publish(patient(t), forbidden); !errors.Is(err, broker.ErrRejected) || errors.Is(err, broker.ErrTooLarge) {
				t.Errorf("the forbidden event: %v", err)
			}
		}
	})
	if err := node.Ctl(patient(t), "clear_topic_permissions", "guest"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the event to be stored with the permission", func() bool { return rabbit.Publish(patient(t), forbidden) == nil })
	if n := reconnects(); n > 0 {
		t.Errorf("%v connections after the first", n)
	}
}

// Without permission for the exchange RabbitMQ refuses all events: none of them is at fault.
func TestEventsWithoutPermissionForTheExchangeAreNotRejected(t *testing.T) {
	t.Parallel()
	node := rabbitnode.Start(t)
	rabbit := open(t, rabbitmq.Config{URLs: []string{node.URL()}, Routes: []broker.Route{route("archive", "#")}})
	publish(t, rabbit, anEvent("first"))
	if err := node.Ctl(patient(t), "set_permissions", "guest", ".*", `^hookline\.(work|dead|retry|ledger|unrouted)`, ".*"); err != nil {
		t.Fatal(err)
	}
	if err := node.Ctl(patient(t), "close_all_connections", "other permissions"); err != nil { // a busy channel keeps those that it knows
		t.Fatal(err)
	}
	eventually(t, "events to be refused", func() bool {
		err := rabbit.Publish(patient(t), anEvent("refused"))
		if errors.Is(err, broker.ErrRejected) {
			t.Fatal(err)
		}
		return errors.Is(err, broker.ErrRefused)
	})
	if err := node.Ctl(patient(t), "set_permissions", "guest", ".*", ".*", ".*"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "events to be stored again", func() bool { return rabbit.Publish(patient(t), anEvent("after")) == nil })
}

// counted opens a broker, and returns a function for the number of its connections after the first.
func counted(t *testing.T, cfg rabbitmq.Config) (*rabbitmq.Broker, func() float64) {
	t.Helper()
	reg := prometheus.NewRegistry()
	rabbit, err := rabbitmq.Open(cfg, reg, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rabbit.Close(patient(t)) })
	return rabbit, func() float64 {
		all, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		var sum float64
		for _, family := range all {
			if family.GetName() == "hookline_broker_reconnects_total" {
				for _, m := range family.GetMetric() {
					sum += m.GetCounter().GetValue()
				}
			}
		}
		return sum
	}
}

// publishBeside publishes events from eight senders while disturb runs, and again afterwards: each has to be stored.
func publishBeside(t *testing.T, rabbit *rabbitmq.Broker, events int, disturb func()) {
	t.Helper()
	var senders sync.WaitGroup
	for sender := range 8 {
		senders.Go(func() {
			for i := range events / 8 {
				if err := rabbit.Publish(patient(t), anEvent(fmt.Sprintf("small-%d-%d", sender, i))); err != nil {
					t.Errorf("a small event: %v", err)
				}
			}
		})
	}
	disturb()
	senders.Wait()
}
