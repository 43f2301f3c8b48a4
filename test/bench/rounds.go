package main

import (
	"context"
	"fmt"
)

// turns measures each case in each round, in a sandbox of its own. Every second round runs backwards, so that no case is always the first.
func turns[C any](ctx context.Context, b *bench, cases []C, measure func(*sandbox, C) (window, error)) ([]windows, error) {
	seen := make([]windows, len(cases))
	for round := range b.rounds {
		for turn := range cases {
			at := turn
			if round%2 == 1 {
				at = len(cases) - 1 - turn
			}
			w, err := b.at(ctx, func(p *sandbox) (window, error) { return measure(p, cases[at]) })
			if err != nil {
				return nil, fmt.Errorf("%v: %w", cases[at], err)
			}
			b.progress("round %d: %v: %.0f/s, CPU in us: %.1f, broker %.1f", round+1, cases[at], w.perSecond, cpu(w), w.broker)
			if w.lost != 0 || w.repeated != 0 {
				b.progress("lost %d, repeated %d", w.lost, w.repeated)
			}
			seen[at] = append(seen[at], w)
		}
	}
	return seen, nil
}
