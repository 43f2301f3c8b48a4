package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/spool"
)

// HasSpool reports whether the data folder of the configuration has a receiver's spool, with the dead letters of the route broker.Spool.
func HasSpool(c *config.Config) bool {
	return !c.Broker.Embedded() && spool.HasDeadLetters(spoolConfig(c).Dir)
}

// spoolOperator is the Operator of RabbitMQ, and of the events of the spool in a folder, which it opens for each call.
type spoolOperator struct {
	Operator
	dir string
}

// Get implements broker.Undelivered.
func (o *spoolOperator) Get(ctx context.Context, route, id string) (found []broker.UndeliveredEvent, err error) {
	err = o.with(ctx, route, func(u broker.Undelivered) (err error) {
		found, err = u.Get(ctx, route, id)
		return err
	})
	return found, err
}

// List implements broker.Undelivered.
func (o *spoolOperator) List(ctx context.Context, route string, p broker.Page) (found []broker.UndeliveredEvent, next string, err error) {
	err = o.with(ctx, route, func(u broker.Undelivered) (err error) {
		found, next, err = u.List(ctx, route, p)
		return err
	})
	return found, next, err
}

// Each implements broker.Undelivered.
func (o *spoolOperator) Each(ctx context.Context, route string, visit func(broker.UndeliveredEvent) bool) error {
	return o.with(ctx, route, func(u broker.Undelivered) error { return u.Each(ctx, route, visit) })
}

// Replay implements broker.Undelivered.
func (o *spoolOperator) Replay(ctx context.Context, route string, pick func(broker.UndeliveredEvent) bool) (n int, err error) {
	err = o.with(ctx, route, func(u broker.Undelivered) (err error) {
		n, err = u.Replay(ctx, route, pick)
		return err
	})
	return n, err
}

// Discard implements broker.Undelivered.
func (o *spoolOperator) Discard(ctx context.Context, route string, pick func(broker.UndeliveredEvent) bool) (n int, err error) {
	err = o.with(ctx, route, func(u broker.Undelivered) (err error) {
		n, err = u.Discard(ctx, route, pick)
		return err
	})
	return n, err
}

// Erase implements broker.Eraser, for the events of the spool, if there is one, and then for those on RabbitMQ: an event moves that way. An
// error of one place is returned after the other place was visited, too, because RabbitMQ can be away for long.
func (o *spoolOperator) Erase(ctx context.Context, pick func(broker.StoredDelivery) bool) (removed int, err error) {
	if spool.HasDeadLetters(o.dir) {
		if removed, err = o.eraseSpool(ctx, pick); err != nil {
			err = fmt.Errorf("not all of the spool in %s was searched: %w", o.dir, err)
		}
	}
	if ctx.Err() != nil {
		return removed, errors.Join(err, ctx.Err())
	}
	n, rabbitErr := o.Operator.Erase(ctx, pick)
	if rabbitErr != nil {
		rabbitErr = fmt.Errorf("not all of RabbitMQ was searched: %w", rabbitErr)
	}
	return removed + n, errors.Join(err, rabbitErr)
}

func (o *spoolOperator) eraseSpool(ctx context.Context, pick func(broker.StoredDelivery) bool) (int, error) {
	letters, err := spool.OpenDeadLetters(o.dir)
	if err != nil {
		return 0, err
	}
	n, err := letters.Erase(ctx, pick)
	return n, errors.Join(err, letters.Close(ctx))
}

// with calls do with the undelivered events of a route.
func (o *spoolOperator) with(ctx context.Context, route string, do func(broker.Undelivered) error) error {
	if route != broker.Spool {
		return do(o.Operator)
	}
	letters, err := spool.OpenDeadLetters(o.dir)
	if err != nil {
		return err
	}
	return errors.Join(do(letters), letters.Close(ctx))
}
