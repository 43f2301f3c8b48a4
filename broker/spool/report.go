package spool

import (
	"context"
	"maps"
	"time"

	"go.uber.org/zap"
)

// Counter is told what is in the spool, for the audit.
type Counter interface {
	// Spooled says how many events of each source are here; sources that are left out have none.
	Spooled(events map[string]int64)
}

const (
	// reportPause is the time between two reports.
	reportPause = 5 * time.Second
	// reportShare bounds what counting takes of the time when there is much to count: a part in so many.
	reportShare = 20
)

// report says what is here at the start, when that has changed, and at the end, until ctx ends.
func (s *Spool) report(ctx context.Context) {
	var said map[string]int64
	for {
		began := time.Now()
		said = s.reportChange(ctx, said)
		select {
		case <-time.After(max(reportPause, reportShare*time.Since(began))):
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTime)
			defer cancel()
			s.reportChange(last, said)
			return
		}
	}
}

// reportChange returns what was said last, which is said again only if it is no longer so.
func (s *Spool) reportChange(ctx context.Context, said map[string]int64) map[string]int64 {
	now, err := s.store.Sources(ctx)
	switch {
	case err != nil:
		s.log.Debug("the spool's sources cannot be counted", zap.Error(err))
		return said
	case said != nil && maps.Equal(now, said):
		return said
	}
	s.counter.Spooled(now)
	return now
}
