package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// row is a line of the report.
type row struct {
	plan   plan
	on     string // "one node" or "three nodes"
	result result
	err    error
}

func (r row) failed() bool { return r.err != nil || len(r.result.problems) > 0 }

const head = `| fault | RabbitMQ | accepted | handled | lost | duplicated | longest gap without a 200: refuse / spool | accepting and delivering again after | audit |
| --- | --- | --: | --: | --: | --: | --: | --: | --: |
`

func (r row) String() string {
	x := r.result
	return fmt.Sprintf("| %s | %s | %d | %d | %d | %d | %s / %s | %s | %s |\n", r.plan.name, r.on,
		x.accepted, x.handled, x.lost, x.duplicated, seconds(x.gapRefuse), seconds(x.gapSpool), seconds(x.recovery), x.unaccounted)
}

// say prints the row, and what is wrong with it.
func (r row) say(out io.Writer) {
	fmt.Fprint(out, r.String())
	if r.err != nil {
		fmt.Fprintln(out, "  FAILED:", r.err)
	}
	for _, problem := range r.result.problems {
		fmt.Fprintln(out, "  FAILED:", strings.ReplaceAll(problem, "\n", "\n  "))
	}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
