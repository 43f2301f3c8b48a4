package rabbitmq_test

import (
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/test/rabbitnode"
)

func TestAReceiverDetectsDuplicatesOfAnother(t *testing.T) {
	t.Parallel()
	cfg := rabbitmq.Config{URLs: []string{rabbitnode.URL(t)}, Routes: []broker.Route{route("archive", "#")}, Duplicates: time.Hour}
	first, second := open(t, cfg), open(t, cfg)
	r := storeMany(t, first)
	eventually(t, "another receiver to detect a duplicate", r.detected(t, second))
	if err := store(t, second, r.id(), "loan"); err != nil {
		t.Errorf("the same ID with another action: %v", err)
	}
	eventually(t, "a receiver that has just started to detect a duplicate", r.detected(t, open(t, cfg)))
}

func TestAReceiverDetectsDuplicatesFromTheTimeOfItsDeadConnection(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	proxy := newProxy(t, url)
	cfg := rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{route("archive", "#")}, Duplicates: time.Hour}
	first := open(t, cfg)
	cfg.URLs = []string{proxy.url}
	second := open(t, cfg)
	eventually(t, "the second to read", storeMany(t, first).detected(t, second))
	proxy.mute.Store(true)
	r := storeMany(t, first)
	eventually(t, "the second to detect the loss", func() bool { return second.Ready() != nil })
	proxy.mute.Store(false)
	eventually(t, "the second to be connected again", func() bool { return second.Ready() == nil })
	eventually(t, "a duplicate from that time to be detected", r.detected(t, second))
}

func TestAReceiverDetectsDuplicatesOfSpooledEvents(t *testing.T) {
	t.Parallel()
	cfg := rabbitmq.Config{URLs: []string{rabbitnode.URL(t)}, Routes: []broker.Route{route("archive", "#")}, Duplicates: 2 * time.Hour}
	spool, second := open(t, cfg), open(t, cfg)
	late := anEvent("a thing")
	late.Time = time.Now().Add(-5 * time.Hour) // it was spooled
	publish(t, spool, late)
	eventually(t, "the second to read", storeMany(t, spool).detected(t, second))
	late.Time = time.Now().Add(-time.Hour)
	if err := second.Publish(patient(t), late); err != nil {
		t.Errorf("four hours later: %v", err)
	}
	late.Time = time.Now().Add(-2 * time.Hour)
	if err := second.Publish(patient(t), late); !errors.Is(err, broker.ErrDuplicate) {
		t.Errorf("an hour before that: %v", err)
	}
}

func store(t *testing.T, rabbit *rabbitmq.Broker, id, action string) error {
	t.Helper()
	e := anEvent(id)
	e.Action, e.Time = action, time.Now()
	return rabbit.Publish(patient(t), e)
}

// repeats are repeats of stored events. Each can be published once, because the receiver remembers it then.
type repeats struct {
	name string
	next int
}

const manyRepeats = 1500

func storeMany(t *testing.T, rabbit *rabbitmq.Broker) *repeats {
	t.Helper()
	r := &repeats{name: rand.Text()}
	for r.next = range manyRepeats {
		if err := store(t, rabbit, r.id(), "job_end"); err != nil {
			t.Fatal(err)
		}
	}
	r.next = 0
	return r
}

func (r *repeats) id() string { return r.name + id(r.next) }

// detected publishes the next repeat, and reports whether by detects the duplicate.
func (r *repeats) detected(t *testing.T, by *rabbitmq.Broker) func() bool {
	return func() bool {
		t.Helper()
		r.next++
		err := store(t, by, r.id(), "job_end")
		if r.next == manyRepeats || err != nil && !errors.Is(err, broker.ErrDuplicate) {
			t.Fatal(r.next, err)
		}
		return err != nil
	}
}
