package console

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/hookline/hookline/journal"
)

// sparkHours is the number of hours that a sparkline shows.
const sparkHours = 24

// spark is a small chart of the last 24 hours, a bar for each.
type spark struct {
	Label string
	Bars  []bar
}

// bar is one hour. Y and Height are in a height of 22, from the top; those of failures, too.
type bar struct {
	X                     int
	Y, Height             int
	FailedY, FailedHeight int
}

// hourCounts are counts of the last 24 hours, the oldest first.
type hourCounts struct{ all, failed [sparkHours]int64 }

// hours returns the counts of attempts by route, and of events by source. Pages without an answer have no charts.
func (c *Console) hours(ctx context.Context) (byRoute, bySource map[string]*hourCounts) {
	byRoute, bySource = map[string]*hourCounts{}, map[string]*hourCounts{}
	if c.parts.Journal == nil {
		return byRoute, bySource
	}
	end := c.now().Truncate(time.Hour).Add(time.Hour)
	begin := end.Add(-sparkHours * time.Hour)
	hours, err := c.parts.Journal.Hours(ctx, begin, end)
	if err != nil {
		c.log.Debug("the journal does not count the last hours", zap.Error(err))
	}
	for _, h := range hours {
		counts, name := byRoute, h.Route
		if h.Route == "" {
			counts, name = bySource, h.Source
		}
		if counts[name] == nil {
			counts[name] = &hourCounts{}
		}
		i := int(h.Start.Sub(begin) / time.Hour)
		if i < 0 || i >= sparkHours {
			continue
		}
		counts[name].all[i] += h.Count
		if failed(h.Outcome) {
			counts[name].failed[i] += h.Count
		}
	}
	return byRoute, bySource
}

func failed(outcome string) bool {
	return outcome == string(journal.Retried) || outcome == string(journal.Dead)
}

// failing returns the share of failed attempts in the last hour and the one before it, in percent; -1 without attempts.
func (h *hourCounts) failing() int {
	if h == nil {
		return -1
	}
	all := h.all[sparkHours-1] + h.all[sparkHours-2]
	if all == 0 {
		return -1
	}
	return int(100 * (h.failed[sparkHours-1] + h.failed[sparkHours-2]) / all)
}

// chart draws the counts.
func (h *hourCounts) chart(label string) spark {
	s := spark{Label: label}
	if h == nil {
		return s
	}
	most := int64(1)
	for _, n := range h.all {
		most = max(most, n)
	}
	for i, n := range h.all {
		if n == 0 {
			continue
		}
		height, bad := max(1, int(21*n/most)), 0
		if f := h.failed[i]; f > 0 {
			bad = max(1, int(21*f/most))
		}
		s.Bars = append(s.Bars, bar{X: 4 * i, Y: 22 - height, Height: height, FailedY: 22 - bad, FailedHeight: bad})
	}
	return s
}
