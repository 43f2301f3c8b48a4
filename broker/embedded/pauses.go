package embedded

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
)

// Pause implements broker.Pauser.
func (s *store) Pause(ctx context.Context, route string, p broker.Pause) error {
	if err := p.Check(); err != nil {
		return fmt.Errorf("broker %s: pause %s: %w", s.cfg.Path, route, err)
	}
	if !slices.ContainsFunc(s.cfg.Routes, func(r broker.Route) bool { return r.Name == route && !r.External }) {
		return fmt.Errorf("broker %s: pause %s: %w", s.cfg.Path, route, broker.ErrNotConsumed)
	}
	if p.Since.IsZero() {
		p.Since = time.Now()
	}
	return s.changePause(ctx, func(tx *transaction) error {
		_, err := tx.exec(tx.sql.pause, route, p.By, p.Why, p.Since.UnixMilli())
		return err
	})
}

// Resume implements broker.Pauser.
func (s *store) Resume(ctx context.Context, route string, _ broker.Pause) error {
	return s.changePause(ctx, func(tx *transaction) error {
		_, err := tx.exec(tx.sql.resume, route)
		return err
	})
}

func (s *store) changePause(ctx context.Context, change func(*transaction) error) error {
	if err := s.write.do(ctx, newOp(0, change)); err != nil {
		return fmt.Errorf("broker %s: the pause cannot be written: %w", s.cfg.Path, err)
	}
	return nil
}

// Pauses implements broker.Pauser.
func (s *store) Pauses(ctx context.Context) (map[string]broker.Pause, error) {
	found, err := s.queries.pauses.QueryContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the pauses: %w", explain(err))
	}
	defer found.Close()
	pauses := map[string]broker.Pause{}
	for found.Next() {
		var route string
		var p broker.Pause
		var since int64
		if err := found.Scan(&route, &p.By, &p.Why, &since); err != nil {
			return nil, fmt.Errorf("read the pauses: %w", explain(err))
		}
		p.Since = time.UnixMilli(since).UTC()
		pauses[route] = p
	}
	return pauses, explain(found.Err())
}

// Pause implements broker.Pauser. Workers of this process obey at once.
func (b *Broker) Pause(ctx context.Context, route string, p broker.Pause) error {
	if err := b.store.Pause(ctx, route, p); err != nil {
		return err
	}
	return b.readPauses(ctx)
}

// Resume implements broker.Pauser. Workers of this process obey at once.
func (b *Broker) Resume(ctx context.Context, route string, by broker.Pause) error {
	if err := b.store.Resume(ctx, route, by); err != nil {
		return err
	}
	return b.readPauses(ctx)
}

// Paused implements broker.Health.
func (b *Broker) Paused() map[string]broker.Pause { return b.pauses.get() }

// followPauses reads the pauses each second until stopPauses is called, because another process can have written them.
func (b *Broker) followPauses() {
	ctx, cancel := context.WithCancel(context.Background())
	var following sync.WaitGroup
	following.Go(func() {
		tick := time.NewTicker(poll)
		defer tick.Stop()
		for failing := false; ; {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			err := b.readPauses(ctx)
			if err != nil && !failing && ctx.Err() == nil {
				b.log.Error("pauses of routes cannot be read from the broker, and stay as they are; trying again", zap.Error(err))
			}
			failing = err != nil
		}
	})
	b.stopPauses = func() {
		cancel()
		following.Wait()
	}
}

// readPauses reads the pauses, and obeys them.
func (b *Broker) readPauses(ctx context.Context) error {
	b.pauses.reading.Lock() // so that no earlier state follows a later one
	defer b.pauses.reading.Unlock()
	read, err := b.Pauses(ctx)
	if err != nil {
		return err
	}
	for route, q := range b.queues {
		_, paused := read[route]
		q.pause(paused)
	}
	b.pauses.set(read)
	return nil
}

// pausedRoutes are the pauses that a process obeys.
type pausedRoutes struct {
	reading sync.Mutex

	mu  sync.Mutex
	now map[string]broker.Pause
}

func (p *pausedRoutes) set(now map[string]broker.Pause) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = now
}

func (p *pausedRoutes) get() map[string]broker.Pause {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.now)
}
