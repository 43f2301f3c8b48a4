package embedded

import (
	"context"
	"database/sql"
	"fmt"
	"sync"

	"go.uber.org/zap"
)

// quickPages is how many pages are checked in some 50 ms: 32 MiB.
const quickPages = 8 << 10

// checkFirst reads the file through, to find damage before it does harm; a file where that would take
// long is left for later.
func (s *store) checkFirst(ctx context.Context) error {
	if !s.cfg.CheckFirst {
		var used int
		if err := s.read.QueryRowContext(ctx, usedPages).Scan(&used); err != nil {
			return explain(err)
		}
		if used > quickPages {
			s.later = true
			return nil
		}
	}
	return checkWhole(ctx, s.read)
}

// checkBeside reads the file through beside the work. Damage ends the taking of new events; what can be read of the others is
// still handled.
func (b *Broker) checkBeside() {
	ctx, cancel := context.WithCancel(context.Background())
	var checking sync.WaitGroup
	checking.Go(func() {
		err := checkWhole(ctx, b.read)
		if err == nil || ctx.Err() != nil {
			return
		}
		b.write.damage.Store(&err)
		b.log.Error("no new events are taken; what can be read of the others is still handled", zap.String("line", b.cfg.Path), zap.Error(err))
	})
	b.stopCheck = func() {
		cancel()
		checking.Wait()
	}
}

// checkWhole reads the whole database and tells whether it is damaged.
func checkWhole(ctx context.Context, db *sql.DB) error {
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found); err != nil {
		return explain(err)
	}
	if found != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, found)
	}
	return nil
}
