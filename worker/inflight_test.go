package worker

import (
	"testing"

	"github.com/hookline/hookline/pkg/event"
)

func TestAnotherActionOfTheSameThingIsAnotherEvent(t *testing.T) {
	t.Parallel()
	f := newInflight()
	f.abandon(event.Event{Source: "shop", Action: "created", ID: "42"}, 1)
	if f.hasAbandoned(event.Event{Source: "shop", Action: "deleted", ID: "42"}) || !f.hasAbandoned(event.Event{Source: "shop", Action: "created", ID: "42"}) {
		t.Error("created and deleted of thing 42 are two events, though the thing's is their only ID")
	}
}
