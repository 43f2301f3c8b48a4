package main

import "fmt"

// turns measures each case in each round, every second round backwards, so that nobody is always the first.
func turns[C any](b *bench, cases []C, measure func(C) (window, error)) ([]windows, error) {
	seen := make([]windows, len(cases))
	for round := range b.rounds {
		for turn := range cases {
			at := turn
			if round%2 == 1 {
				at = len(cases) - 1 - turn
			}
			w, err := measure(cases[at])
			if err != nil {
				return nil, fmt.Errorf("%v: %w", cases[at], err)
			}
			b.progress("round %d: %v: %.0f/s, CPU in us: %.1f, broker %.1f, lost %d, repeated %d", round+1, cases[at], w.perSecond, cpu(w), w.broker, w.lost, w.repeated)
			seen[at] = append(seen[at], w)
		}
	}
	return seen, nil
}
