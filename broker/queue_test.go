package broker_test

import (
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
)

// TestQueuesHaveTheirNames pins the names, because queues of an older Hookline have them.
func TestQueuesHaveTheirNames(t *testing.T) {
	t.Parallel()
	if got := broker.WorkQueue("loans"); got != "hookline.work.loans" || broker.RouteOfWorkQueue(got) != "loans" {
		t.Errorf("work queue %s of route %s", got, broker.RouteOfWorkQueue(got))
	}
	if got := broker.DeadQueue("loans"); got != "hookline.dead.loans" {
		t.Errorf("dead-letter queue %s", got)
	}
}

// TestNumbersThatOthersKnow pins the numbers that files, programs and RabbitMQ's defaults depend on.
func TestNumbersThatOthersKnow(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ got, want int }{
		"consumers that are unseen, in --json":              {broker.Unseen, -1},
		"the longest route, as in the file of running work": {broker.MaxRoute, 100},
		"the largest body, RabbitMQ's max_message_size":     {broker.MaxBody, 16 << 20},
		"the bodies of a page of undelivered events":        {broker.MaxPageBytes, 4 << 20},
		"the events that a broker remembers":                {broker.MaxRecentEvents, 100_000},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, not %d", name, c.got, c.want)
		}
	}
}

func TestAStoredDeliveryHasTheRoleOfItsQueue(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_700_000_000_000)
	for want, d := range map[broker.QueueRole]broker.StoredDelivery{
		broker.RoleWork:     {UndeliveredEvent: broker.UndeliveredEvent{Route: "loans"}},
		broker.RoleRetry:    {UndeliveredEvent: broker.UndeliveredEvent{Route: "loans"}, Due: at},
		broker.RoleDead:     {UndeliveredEvent: broker.UndeliveredEvent{Route: "loans", Died: at}, Due: at},
		broker.RoleUnrouted: {UndeliveredEvent: broker.UndeliveredEvent{Route: broker.Unrouted, Died: at}},
	} {
		if got := d.Role(); got != want {
			t.Errorf("role %s, want %s", got, want)
		}
	}
}

func TestASpoolLacksEventsThatAreNowhere(t *testing.T) {
	t.Parallel()
	for want, c := range map[int64]broker.SpoolCounts{
		1: {Taken: 10, Published: 4, Discarded: 3, Present: 2},
		0: {Taken: 1, Published: 1, Present: 5}, // more than were counted: nothing is lost
	} {
		if got := c.Unaccounted(); got != want {
			t.Errorf("%+v: %d unaccounted for, want %d", c, got, want)
		}
	}
}
