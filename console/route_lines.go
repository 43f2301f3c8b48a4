package console

import (
	"github.com/hookline/hookline/broker"
)

// routeLine is a line of a table of routes.
type routeLine struct {
	Route
	broker.RouteAudit
	State    string // shape and colour
	Word     string
	Because  string // below the word
	Backlog  int64  // events that wait for a worker
	Spark    spark
	Failing  int  // percent of the attempts of the last hour; -1: there were none
	ByPerson bool // a person has paused it
	Workers  int  // processes that consume, or broker.Unseen
}

// routeLines puts together all that is known about the routes of the configuration.
func (c *Console) routeLines(a broker.Audit, queues []broker.QueueInfo, paused []PausedSource) (lines []routeLine) {
	counts := map[string]broker.RouteAudit{}
	for _, r := range a.Routes {
		counts[r.Route] = r
	}
	work := map[string]broker.QueueInfo{}
	for _, q := range queues {
		if q.Role == broker.RoleWork || q.Role == broker.RoleExternal {
			work[q.Route] = q
		}
	}
	for _, route := range c.parts.Routes {
		line := routeLine{Route: route, RouteAudit: counts[route.Name], Workers: broker.Unseen}
		line.Backlog = line.Waiting
		if q, ok := work[route.Name]; ok {
			line.Backlog, line.Workers = int64(q.Waiting), q.Consumers
		}
		line.State, line.Word, line.Because = "done", "Works", ""
		switch {
		case work[route.Name].Missing:
			line.State, line.Word, line.Because = "unknown", "Not there", "its queue is missing: start a receiver or worker"
		case line.Workers == 0:
			line.State, line.Word, line.Because = "paused", "No worker", "events wait until one starts"
		}
		for _, p := range paused {
			if p.Route == route.Name {
				line.State, line.Word, line.Because = "paused", "Paused itself", "for "+p.Source+", tries again "+c.clock(p.Next)
			}
		}
		lines = append(lines, line)
	}
	return lines
}
