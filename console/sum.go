package console

import (
	"github.com/hookline/hookline/broker"
)

// sum says where each delivery is. Deliveries is the sum of all others.
type sum struct {
	Deliveries  int64
	Done        int64
	Waiting     int64
	Running     int64
	Retrying    int64
	Dead        int64
	Unrouted    int64
	Discarded   int64
	Taken       int64 // by programs of somebody else
	Spooled     int64 // in receivers' spools
	Unaccounted int64
}

// sumOf adds up an audit.
func sumOf(a broker.Audit) (s sum) {
	for _, r := range a.Routes {
		s.Deliveries += r.Accepted
		s.Done += r.Done
		s.Running += r.Running
		s.Retrying += r.Retrying
		s.Dead += r.Dead
		s.Discarded += r.Discarded
		s.Taken += r.Taken
		s.Unaccounted += r.Unaccounted
		if r.Route == broker.Unrouted {
			s.Unrouted += r.Waiting + r.Undeclared
		} else {
			s.Waiting += r.Waiting
		}
	}
	for _, spool := range a.Spools { // an event in a spool has not reached its routes: it counts as one delivery
		s.Spooled += spool.Present
		s.Unaccounted += spool.Unaccounted
		s.Deliveries += spool.Present + spool.Unaccounted
	}
	return s
}

// verdict is the title of the first page.
func verdict(s sum, todo int) string {
	lost := "Nothing is lost."
	if s.Unaccounted > 0 {
		lost = number(s.Unaccounted) + " of " + number(s.Deliveries) + " deliveries cannot be found."
		todo-- // that is the first of them
	}
	switch todo {
	case 0:
		if s.Unaccounted > 0 {
			return lost
		}
		return lost + " Nothing needs a person."
	case 1:
		return lost + " One thing needs a person."
	}
	return lost + " " + capital(words(todo)) + " things need a person."
}
