package cli

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

func TestAnInterruptedChangeSaysHowFarItCame(t *testing.T) {
	t.Parallel()
	interrupted, interrupt := context.WithCancel(t.Context())
	interrupt()
	lost := errors.New("connection lost")
	for name, c := range map[string]struct {
		ctx  context.Context
		n    changed
		err  error
		want string
	}{
		"done":                   {interrupted, changed{done: 2, total: 2}, nil, "<nil>"},
		"failed":                 {t.Context(), changed{done: 2, total: 5}, lost, "connection lost"},
		"interrupted":            {interrupted, changed{done: 2, total: 5}, fmt.Errorf("replay: %w", context.Canceled), "2 of 5 replayed; run it again to go on"},
		"an unknown number":      {interrupted, changed{done: 2}, context.Canceled, "2 replayed; run it again to go on"},
		"more than there were":   {interrupted, changed{done: 6, total: 5}, context.Canceled, "6 replayed; run it again to go on"},
		"failed while it ended":  {interrupted, changed{done: 5, total: 5}, lost, "5 of 5 replayed; run it again to go on: connection lost"},
		"nothing had been there": {interrupted, changed{}, context.Canceled, "0 replayed; run it again to go on"},
	} {
		if got := fmt.Sprint(c.n.progress(c.ctx, "replayed", c.err)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
