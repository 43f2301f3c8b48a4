package spool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
)

// ErrNoSpool reports that a folder has no spool.
var ErrNoSpool = errors.New("there is no spool in this folder; run the command on the receiver's machine, with the receiver's data folder")

// DeadLetters are the dead letters of a spool, for a command beside the receiver that runs it: events that the broker refused for good.
// Erase reaches its waiting events, too. The route of all is broker.Spool.
type DeadLetters struct{ *embedded.Attached }

var (
	_ broker.Undelivered = DeadLetters{}
	_ broker.Eraser      = DeadLetters{}
)

// HasDeadLetters reports whether the folder has a spool, which can have dead letters.
func HasDeadLetters(dir string) bool {
	_, err := os.Stat(databaseConfig(dir).Path)
	return err == nil
}

// OpenDeadLetters opens the dead letters of the spool in a folder. It returns ErrNoSpool if there is none. Close them.
func OpenDeadLetters(dir string) (DeadLetters, error) {
	if _, err := os.Stat(databaseConfig(dir).Path); errors.Is(err, fs.ErrNotExist) {
		return DeadLetters{}, fmt.Errorf("%s: %w", dir, ErrNoSpool)
	}
	attached, err := embedded.Attach(databaseConfig(dir))
	return DeadLetters{attached}, err
}

// Get implements broker.Undelivered.
func (d DeadLetters) Get(ctx context.Context, _, id string) ([]broker.UndeliveredEvent, error) {
	found, err := d.Attached.Get(ctx, Route().Name, id)
	return named(found), err
}

// List implements broker.Undelivered.
func (d DeadLetters) List(ctx context.Context, _ string, p broker.Page) ([]broker.UndeliveredEvent, string, error) {
	found, next, err := d.Attached.List(ctx, Route().Name, p)
	return named(found), next, err
}

// Each implements broker.Undelivered.
func (d DeadLetters) Each(ctx context.Context, _ string, visit func(broker.UndeliveredEvent) bool) error {
	return d.Attached.Each(ctx, Route().Name, pickNamed(visit))
}

// Replay implements broker.Undelivered. The receiver publishes the events again within a second, or after its start.
func (d DeadLetters) Replay(ctx context.Context, _ string, pick func(broker.UndeliveredEvent) bool) (int, error) {
	return d.Attached.Replay(ctx, Route().Name, pickNamed(pick))
}

// Discard implements broker.Undelivered.
func (d DeadLetters) Discard(ctx context.Context, _ string, pick func(broker.UndeliveredEvent) bool) (int, error) {
	return d.Attached.Discard(ctx, Route().Name, pickNamed(pick))
}

// Erase implements broker.Eraser, for all events of the spool. The receiver can publish an event while it is removed.
func (d DeadLetters) Erase(ctx context.Context, pick func(broker.StoredDelivery) bool) (int, error) {
	return d.Attached.Erase(ctx, func(stored broker.StoredDelivery) bool {
		stored.Route = broker.Spool
		return pick(stored)
	})
}

func pickNamed(pick func(broker.UndeliveredEvent) bool) func(broker.UndeliveredEvent) bool {
	return func(u broker.UndeliveredEvent) bool {
		u.Route = broker.Spool
		return pick(u)
	}
}

func named(found []broker.UndeliveredEvent) []broker.UndeliveredEvent {
	for i := range found {
		found[i].Route = broker.Spool
	}
	return found
}
