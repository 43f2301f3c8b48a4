package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// count is the number of mutants by verdict.
type count map[string]int

// share returns the noticed ones of those that make a difference, in percent.
func (c count) share() float64 {
	found, all := c[noticed]+c[timedOut], c[noticed]+c[timedOut]+c[survived]
	if all == 0 {
		return 100
	}
	return 100 * float64(found) / float64(all)
}

// printReport prints the numbers of each package and the survivors.
func printReport(w io.Writer, results []result, seed uint64) error {
	total, packages := count{}, map[string]count{}
	var survivors []string
	for _, r := range results {
		name := relative(r.pkg.Dir)
		if packages[name] == nil {
			packages[name] = count{}
		}
		packages[name][r.verdict]++
		total[r.verdict]++
		if r.verdict == survived {
			survivors = append(survivors, r.String())
		}
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\npackage\tnoticed\tby a time limit\tsurvived\tequivalent\tshare\t")
	for _, name := range slices.Sorted(maps.Keys(packages)) {
		row(table, name, packages[name])
	}
	row(table, fmt.Sprintf("all, seed %d", seed), total)
	if err := table.Flush(); err != nil {
		return err
	}
	slices.Sort(survivors)
	_, err := fmt.Fprintf(w, "\n%s\n", strings.Join(survivors, "\n"))
	return err
}

func row(w io.Writer, name string, c count) {
	fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%.0f %%\t\n", name, c[noticed], c[timedOut], c[survived], c[equivalent], c.share())
}
