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

// route is one call of Consume: what all its sessions share.
type route struct {
	broker.Route
	publisher *publisher
	ledger    *ledgerWriter
	process   broker.Process
	log       *zap.Logger

	slots    chan struct{}  // one for each call of process that may run, whichever consumer brought the delivery
	running  sync.WaitGroup // deliveries that are being handled
	settling sync.RWMutex   // read: telling the broker what becomes of a delivery; written: see consumer.cancel
	cutOff   atomic.Int64   // unix nanoseconds: when a delivery came last that had been cut off before
}

// consume brings the route's events until ctx ends, session after session.
func (r *route) consume(ctx context.Context, l *connection) error {
	defer r.running.Wait()
	pauses := newPauses()
	says := seldom(2)
	for pauses.Reset(); ; {
		s, err := l.await(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("consume %s: %w", r.Name, err)
		}
		began := time.Now()
		err = r.consumeOn(ctx, s)
		if ctx.Err() != nil {
			return nil
		}
		if s.conn.IsClosed() { // the connection knows, says why and makes the next
			<-s.over
			continue
		}
		if time.Since(began) > settled {
			pauses.Reset()
			says = seldom(2)
		}
		pause := min(pauses.NextBackOff(), maxPause)
		says.Do(func() { r.log.Warn("consumer ended; trying again", zap.Error(err), zap.Duration("in", pause)) })
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
		if err := l.declarer.declare(s.conn); err != nil { // the queue may have to be made again
			r.log.Warn("topology cannot be declared", zap.Error(err))
		}
	}
}

// consumeOn consumes until the session or ctx ends, with the room that the work needs.
func (r *route) consumeOn(ctx context.Context, s *session) error {
	for wide := false; ; {
		c, err := r.open(s, wide)
		if err != nil {
			return err
		}
		if wide, err = c.run(ctx); err != nil || ctx.Err() != nil {
			return err
		}
	}
}
