package main

import (
	"fmt"
	"math"
	"slices"
)

// windows are the windows of one system, one for each round.
type windows []window

// median returns the median of a figure.
func (w windows) median(of func(window) float64) float64 { return median(pick(w, of)) }

func pick(w windows, of func(window) float64) (values []float64) {
	for _, one := range w {
		values = append(values, of(one))
	}
	return values
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle-1] + sorted[middle]) / 2
	}
	return sorted[middle]
}

// ratio compares two systems round by round, because the machine's own speed varies between rounds.
type ratio struct{ median, min, max float64 }

func (w windows) over(other windows, of func(window) float64) ratio {
	return ratioOver(pick(w, of), pick(other, of))
}

func ratioOver(these, those []float64) ratio {
	var values []float64
	for i := range min(len(these), len(those)) {
		values = append(values, these[i]/those[i])
	}
	return ratioOf(values)
}

func ratioOf(values []float64) ratio {
	if len(values) == 0 {
		return ratio{math.NaN(), math.NaN(), math.NaN()}
	}
	return ratio{median(values), slices.Min(values), slices.Max(values)}
}

func (r ratio) String() string { return fmt.Sprintf("%.2f (%.2f to %.2f)", r.median, r.min, r.max) }

// The figures of a window.
func perSecond(w window) float64 { return w.perSecond }
func p50(w window) float64       { return w.P50 }
func p99(w window) float64       { return w.P99 }
func p999(w window) float64      { return w.P999 }
func brokerCPU(w window) float64 { return w.broker }
func generator(w window) float64 { return w.generator }
func objects(w window) float64   { return w.objects }
func bytes(w window) float64     { return w.bytes }
func quiet(w window) float64     { return w.quiet }
func idle(w window) float64      { return w.idle }
func rss(w window) float64       { return w.rss }
func peak(w window) float64      { return w.peak }

// cpu is the sum of all measured processes.
func cpu(w window) (sum float64) {
	for _, one := range w.cpu {
		sum += one
	}
	return sum
}

// sum returns the sum of a figure over all rounds.
func (w windows) sum(of func(window) int) (sum int) {
	for _, one := range w {
		sum += of(one)
	}
	return sum
}

func lost(w window) int     { return w.lost }
func repeated(w window) int { return w.repeated }

// spread returns the median with the smallest and the largest value.
func spread(w windows, of func(window) float64) string { return spreadOf(pick(w, of)) }

func spreadOf(values []float64) string {
	return fmt.Sprintf("%s (%s to %s)", figure(median(values)), figure(slices.Min(values)), figure(slices.Max(values)))
}
