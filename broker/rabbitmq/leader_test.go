package rabbitmq_test

import (
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/test/rabbitnode"
)

func TestOneProcessLeadsTheAudit(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	cfg := rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{route("archive", "#")}}
	leads := func(rabbit *rabbitmq.Broker) bool {
		t.Helper()
		leads, err := rabbit.Leads(patient(t), broker.LeadAudit)
		if err != nil {
			t.Fatal(err)
		}
		return leads
	}
	first, second := open(t, cfg), open(t, cfg)
	for range 3 {
		if !leads(first) || leads(second) {
			t.Fatal("not only the first one leads")
		}
	}
	if err := first.Close(patient(t)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the second to lead", func() bool { return leads(second) })
	if leads, err := second.Leads(patient(t), broker.LeadSchedule); leads || err != nil { // not before takeoverTime
		t.Errorf("the second leads the schedules at once: %v, %v", leads, err)
	}
}

func TestALeaderIsElectedAgainAfterItsQueueWasDeclaredAgain(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	cfg := rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{route("archive", "#")}}
	first, second := open(t, cfg), open(t, cfg)
	leaders := func() (n int) {
		for _, rabbit := range []*rabbitmq.Broker{first, second} {
			if leads, err := rabbit.Leads(patient(t), broker.LeadAudit); err != nil {
				t.Fatal(err)
			} else if leads {
				n++
			}
		}
		return n
	}
	if n := leaders(); n != 1 {
		t.Fatalf("%d processes lead", n)
	}
	ch := channel(t, url)
	if _, err := ch.QueueDelete(rabbitmq.AuditLeaderQueue, false, false, false); err != nil {
		t.Fatal(err)
	}
	if _, err := rabbitmq.Apply(patient(t), cfg); err != nil {
		t.Fatal(err)
	}
	eventually(t, "one leader", func() bool { return leaders() == 1 })
	for range 3 {
		if n := leaders(); n != 1 {
			t.Fatalf("%d processes lead", n)
		}
	}
}
