package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hookline/hookline/whatif"
)

// whatIfReport is the JSON form of the output.
type whatIfReport struct {
	*whatif.Report
	Differs bool `json:"differs"`
	// NotTried names changed keys that the report says nothing about.
	NotTried []string `json:"not_tried"`
}

func (c *command) showWhatIf(w whatIf, r *whatif.Report, notTried []string) error {
	if w.asJSON {
		return c.json(whatIfReport{r, r.Differs(), append([]string{}, notTried...)})
	}
	if err := c.whatIfTable(r); err != nil {
		return err
	}
	for _, route := range r.Routes {
		for _, s := range route.Samples {
			c.whatIfSample(route.Route, s)
		}
	}
	c.whatIfNotes(r, notTried)
	if !r.Differs() {
		c.say("\nNothing differs.")
	}
	return nil
}

// whatIfTable shows the counts of each route.
func (c *command) whatIfTable(r *whatif.Report) error {
	c.say("%s, received %s to %s\n", counted(r.Events, "event"), r.First.Local().Format(time.DateTime), r.Last.Local().Format(time.DateTime))
	t := table{header: []string{"ROUTE", "BEFORE", "NOW"}}
	for _, kind := range whatif.Kinds() {
		t.header = append(t.header, strings.ToUpper(string(kind)))
	}
	for _, route := range r.Routes {
		name := route.Route
		if route.Change != "" {
			name += " (" + route.Change + ")"
		}
		cells := []string{name, strconv.Itoa(route.Taken.Before), strconv.Itoa(route.Taken.Now)}
		for _, kind := range whatif.Kinds() {
			cells = append(cells, strconv.Itoa(route.Differences[kind]))
		}
		t.add(cells...)
	}
	unrouted := append([]string{"(unrouted)", strconv.Itoa(r.Unrouted.Before), strconv.Itoa(r.Unrouted.Now)}, make([]string, len(whatif.Kinds()))...)
	t.add(unrouted...)
	return c.printTable(t)
}

// whatIfSample shows one event that differs.
func (c *command) whatIfSample(route string, s whatif.Sample) {
	c.say("\n%s: %s (%s before, %s now): %s %s %s, received %s", route, s.Kind, s.Before, s.Now, s.Source, s.Action, oneLine(s.ID), s.Time.Local().Format(time.DateTime))
	c.whatIfError("-", s.ErrorBefore)
	c.whatIfError("+", s.ErrorNow)
	for _, part := range s.Parts {
		fmt.Fprintf(c.stdout, "  %s\n", oneLine(part.Name))
		for _, line := range part.Diff {
			fmt.Fprintf(c.stdout, "    %s\n", oneLine(line))
		}
	}
}

func (c *command) whatIfError(mark, text string) {
	if text != "" {
		fmt.Fprintf(c.stdout, "  %s %s\n", mark, strings.ReplaceAll(text, "\n", "\n    "))
	}
}

// whatIfNotes says what the report does not cover.
func (c *command) whatIfNotes(r *whatif.Report, notTried []string) {
	var notes []string
	for _, route := range r.Routes {
		for _, text := range route.Unknown {
			notes = append(notes, fmt.Sprintf("  %s: %s", route.Route, text))
		}
	}
	for _, key := range notTried {
		notes = append(notes, fmt.Sprintf("  %s has changed; recorded events are already received, so sources are not tried", key))
	}
	if len(notes) > 0 {
		c.say("\nNot compared:\n%s", strings.Join(notes, "\n"))
	}
}
