package rabbitmq

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
)

// consumption is one call of Consume. It has one consumer after the other, which share its fields.
type consumption struct {
	route     broker.Route
	publisher *publisher
	ledger    *ledgerWriter
	gate      *pauseGate
	process   broker.Process
	log       *zap.Logger

	slots     chan struct{}   // one for each running call of process; all consumers together take at most route.Concurrency
	pause     sync.RWMutex    // locked while a consumer is cancelled; see consumer.cancel
	careful   atomic.Int64    // unix nanoseconds: the last time that a large delivery came, or one whose attempt had crashed
	consumers sync.WaitGroup  // consumers with unsettled deliveries
	bytes     *fetchedBytes   // of the consumption
	returned  map[string]bool // identities of the messages that went back for lack of memory
}

// run consumes the route's queue until ctx ends, except while a person pauses the route. It returns when all handlers have returned.
func (c *consumption) run(ctx context.Context, conn *connection) error {
	defer c.consumers.Wait()
	for ctx.Err() == nil {
		round, leave, err := c.gate.enter(ctx, c.route.Name)
		if err == nil {
			err = c.runRound(round, conn)
		}
		if leave(); err != nil {
			return fmt.Errorf("consume %s: %w", c.route.Name, err)
		}
	}
	return nil
}

// runRound consumes the route's queue until ctx ends, session after session.
func (c *consumption) runRound(ctx context.Context, conn *connection) error {
	pauses := newPauses()
	failure := limitLog(2)
	for pauses.Reset(); ; {
		s, err := conn.await(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end of ctx is no failure
		}
		if err != nil {
			return err
		}
		began := time.Now()
		err = c.consume(ctx, s)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end of ctx is no failure
		}
		if s.conn.IsClosed() { // the connection logs the reason and opens the next session
			<-s.over
			continue
		}
		if time.Since(began) > stableAfter {
			pauses.Reset()
			failure = limitLog(2)
		}
		pause := min(pauses.NextBackOff(), maxPause)
		failure.Do(func() { c.log.Warn("consumer ended; trying again", zap.Error(err), zap.Duration("in", pause)) })
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
		if err := conn.declare(s); err != nil { // the queue may have been deleted
			c.log.Warn("topology cannot be declared", zap.Error(err))
		}
	}
}

// consume runs consumers until the session or ctx ends. Each consumer says which prefetch the next one needs.
func (c *consumption) consume(ctx context.Context, s *session) error {
	for wide := false; ; {
		consumer, err := openConsumer(s, c, wide)
		if err != nil {
			return err
		}
		wide, err = consumer.run(ctx)
		c.consumers.Go(consumer.drain)
		if err != nil || ctx.Err() != nil {
			return err
		}
		if len(consumer.dropped) > 0 {
			c.consumers.Wait() // a new consumer has the whole room
		}
	}
}
