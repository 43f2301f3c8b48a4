package console

import (
	"math"
	"strconv"
	"time"

	"github.com/hookline/hookline/journal"
)

// lanes shows the attempts of each route at a growing scale of the time since the event came.
type lanes struct {
	Ticks []tick
	Lines []lane
}

// tick is a mark of the scale.
type tick struct {
	At    string // in percent of the width
	Label string
	Minor bool // left out on a phone
}

// lane is the line of one route.
type lane struct {
	Route string
	Kind  string
	Word  string
	To    string // end of the line, in percent
	Next  string // place of the next attempt, in percent; empty: none
	Marks []mark
}

// mark is an attempt on a lane.
type mark struct{ At, Kind string }

// lanes draws the history of an event. An event without attempts has none.
func (c *Console) lanes(d journal.Detail) (l lanes) {
	longest := 10 * time.Second
	for _, a := range d.Ended {
		longest = max(longest, a.Start.Sub(d.Key.Time))
	}
	for _, r := range d.Routes {
		if r.State == journal.StateFailing {
			longest = max(longest, r.Next.Sub(d.Key.Time))
		}
	}
	place := func(age time.Duration) string {
		// The first millisecond is at 2 %, the longest time at 95 %.
		const first = float64(10 * time.Millisecond)
		share := math.Log(max(float64(age), first)/first) / math.Log(float64(longest)/first)
		return strconv.FormatFloat(2+93*share, 'f', 1, 64) + "%"
	}
	scale := []struct {
		age   time.Duration
		label string
	}{{100 * time.Millisecond, "0.1" + space + "s"}, {time.Second, "1" + space + "s"}, {10 * time.Second, "10" + space + "s"}, {time.Minute, "1" + space + "min"},
		{10 * time.Minute, "10" + space + "min"}, {time.Hour, "1" + space + "h"}, {6 * time.Hour, "6" + space + "h"}, {24 * time.Hour, "1 day"}, {7 * 24 * time.Hour, "1 week"}, {30 * 24 * time.Hour, "30 days"}}
	for i, s := range scale {
		if s.age <= longest {
			l.Ticks = append(l.Ticks, tick{place(s.age), s.label, i%2 == 0})
		}
	}
	for _, r := range d.Routes {
		one := lane{Route: r.Route, To: "2%"}
		one.Kind, one.Word = stateWords(r.State)
		for _, a := range d.Ended {
			if a.Route == r.Route {
				one.Marks = append(one.Marks, mark{place(a.Start.Sub(d.Key.Time)), stepOf(a).Kind})
			}
		}
		if len(one.Marks) > 0 {
			one.To = one.Marks[0].At
		}
		if r.State == journal.StateFailing && !r.Next.IsZero() {
			one.Next = place(r.Next.Sub(d.Key.Time))
		}
		l.Lines = append(l.Lines, one)
	}
	return l
}
