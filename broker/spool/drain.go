package spool

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

const (
	// confirmTime is how long the line may take for a spooled event; a stop can take as long.
	confirmTime = 10 * time.Second
	// lookPause is the time between two looks whether the line is back.
	lookPause = 250 * time.Millisecond
	// An event that the line does not take although it is well, and not the second time either, makes way for the others: for
	// a second at first, then for twice as long each time, up to 1<<maxDoublings seconds. Once can be a connection that
	// was lost and is there again.
	maxFailures  = 2
	maxDoublings = 6
)

// Run hands events on until ctx ends, one at a time and oldest first. An error means that the store cannot be read at all.
//
// An event leaves the disk after the line's confirm: a crash in between hands it on twice. So it does when the line says that
// it has a repeat of it already, which came while the line was back.
func (s *Spool) Run(ctx context.Context) error {
	reporting, stop := context.WithCancel(ctx)
	reported := make(chan struct{})
	go func() {
		defer close(reported)
		s.report(reporting)
	}()
	err := s.store.Consume(ctx, Route(), s.drain(ctx.Done()))
	stop()
	<-reported
	return err
}

// drain waits with the event in hand while the line is away, so that those behind it stay there.
func (s *Spool) drain(stop <-chan struct{}) broker.Process {
	return func(ctx context.Context, d event.Delivery) broker.Outcome {
		for failures := 0; ; {
			if s.broker.Ready() == nil {
				err := s.handOn(ctx, d.Event)
				if err == nil {
					return broker.Ack()
				}
				if failures++; failures >= maxFailures && s.broker.Ready() == nil { // so it is this event
					return broker.Retry(time.Second<<min(d.Attempt-1, maxDoublings), broker.Reason(err), err)
				}
			}
			select {
			case <-time.After(lookPause):
			case <-stop:
				return broker.Requeue()
			}
		}
	}
}

func (s *Spool) handOn(ctx context.Context, e event.Event) error {
	ctx, cancel := context.WithTimeout(ctx, confirmTime)
	defer cancel()
	source, id := zap.String("source", e.Source), zap.String("id", e.ID)
	if err := s.broker.Publish(ctx, e); err != nil && !errors.Is(err, broker.ErrDuplicate) {
		s.log.Warn("the line did not take a spooled event; it stays in the spool", source, id, zap.Error(err))
		return err
	}
	s.metrics.drained.Inc()
	s.log.Info("spooled event handed on", source, id, zap.Duration("after", time.Since(e.Time)))
	return nil
}
