package rabbitmq_test

import (
	"errors"
	"testing"
	"time"

	"github.com/hookline/hookline/pkg/broker"
	"github.com/hookline/hookline/pkg/broker/rabbitmq"
	"github.com/hookline/hookline/test/rabbitnode"
)

func TestAReceiverKnowsWhatAnotherHasStored(t *testing.T) {
	t.Parallel()
	cfg := rabbitmq.Config{URLs: []string{rabbitnode.URL(t)}, Routes: []broker.Route{route("archive", "#")}, Duplicates: time.Hour}
	first, second := open(t, cfg), open(t, cfg)
	store := func(line *rabbitmq.Line, id, action string) error {
		e := anEvent(id)
		e.Action, e.Time = action, time.Now()
		return line.Publish(patient(t), e)
	}
	const many = 1000 // each repeat is tried once only: the second time its own receiver would know it
	for n := range many {
		if err := store(first, id(n), "job_end"); err != nil {
			t.Fatal(err)
		}
	}
	next := 0
	told := func(by *rabbitmq.Line) func() bool {
		return func() bool {
			next++
			err := store(by, id(next), "job_end")
			if next == many || err != nil && !errors.Is(err, broker.ErrDuplicate) {
				t.Fatal(next, err)
			}
			return err != nil
		}
	}
	eventually(t, "a repeat to be told by another receiver", told(second))
	if err := store(second, id(next), "loan"); err != nil {
		t.Errorf("the same ID with another action: %v", err)
	}
	eventually(t, "a repeat to be told by a receiver that has just started", told(open(t, cfg)))
}
