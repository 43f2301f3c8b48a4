package embedded

import (
	"context"
	"fmt"
	"time"
)

// Oldest is the time of the event that was stored first of those that are still here, in whatever state; the zero time
// if there is none. It costs the same however many there are.
func (s *store) Oldest(ctx context.Context) (time.Time, error) {
	var millis int64
	if err := s.queries.oldest.QueryRowContext(ctx).Scan(&millis); err != nil {
		return time.Time{}, fmt.Errorf("the line's oldest event: %w", explain(err))
	}
	if millis < 0 {
		return time.Time{}, nil
	}
	return time.UnixMilli(millis).UTC(), nil
}

// Size is how many deliveries there are, in whatever state, and how many bytes of the database file are in use: an
// empty one has some ten thousand. It counts one by one.
func (s *store) Size(ctx context.Context) (deliveries int, bytes int64, err error) {
	if err := s.queries.size.QueryRowContext(ctx).Scan(&deliveries, &bytes); err != nil {
		return 0, 0, fmt.Errorf("the line's size: %w", explain(err))
	}
	return deliveries, bytes * pageSize, nil
}

// Sources is how many events of each source there are, in whatever state. It counts one by one.
func (s *store) Sources(ctx context.Context) (map[string]int64, error) {
	found, err := s.queries.sources.QueryContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("the line's sources: %w", explain(err))
	}
	defer found.Close()
	events := map[string]int64{}
	for found.Next() {
		var source string
		var n int64
		if err := found.Scan(&source, &n); err != nil {
			return nil, fmt.Errorf("the line's sources: %w", explain(err))
		}
		events[source] = n
	}
	return events, explain(found.Err())
}
