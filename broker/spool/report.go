package spool

import (
	"context"
	"maps"
	"time"

	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
)

const (
	// reportPause is the shortest time between two reports.
	reportPause = 5 * time.Second
	// reportShare bounds the share of time that counting takes: the pause after a count is at least reportShare times as long.
	reportShare = 20
	// reportAgain is the time after which unchanged numbers are reported again, so that a spool with events, or with losses, does not look
	// silent.
	reportAgain = time.Minute
)

// numbers are those of a report.
type numbers struct {
	events map[string]int64 // by source; nil: there was no report
	counts broker.SpoolCounts
	at     time.Time
}

// report reports the numbers of spooled events at its start, after changes, and when ctx ends.
func (s *Spool) report(ctx context.Context) {
	var reported numbers
	for {
		began := time.Now()
		reported = s.reportChange(ctx, reported)
		select {
		case <-time.After(max(reportPause, reportShare*time.Since(began))):
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
			defer cancel()
			s.reportChange(last, reported)
			return
		}
	}
}

// reportChange reports the numbers if they differ from those that were reported last, and returns the numbers reported last.
func (s *Spool) reportChange(ctx context.Context, reported numbers) numbers {
	now := numbers{at: time.Now()}
	var err error
	if now.events, err = s.store.Sources(ctx); err == nil && s.counts != nil {
		now.counts, err = s.counts.current(ctx)
	}
	noteworthy := now.counts.Present > 0 || now.counts.Unaccounted() > 0
	switch {
	case err != nil:
		s.log.Debug("the spool's events cannot be counted", zap.Error(err))
		return reported
	case noteworthy && time.Since(reported.at) >= reportAgain:
	case reported.events != nil && maps.Equal(now.events, reported.events) && now.counts == reported.counts:
		return reported
	}
	s.counter.Spooled(now.events, now.counts)
	return now
}
