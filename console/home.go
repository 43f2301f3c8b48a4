package console

import (
	"net/http"
	"time"

	"github.com/hookline/hookline/broker"
)

// homePage is the data of the first page.
type homePage struct {
	Sum     sum
	Counted time.Time // of the sum; zero if there was no answer yet
	Old     bool      // the broker does not answer
	Away    *away
	First   *first // nothing has come yet
	Todo    []todo
	Routes  []routeLine
	Sources []sourceLine
	Since   time.Time // begin of the counts
	Lead    string
	Broker  string
	Spools  []broker.SpoolAudit
}

// away tells that the broker does not answer.
type away struct {
	Since time.Time
	Error string
}

// first is the data of a first visit.
type first struct{ Sources []Source }

// sourceLine is a line of the table of sources.
type sourceLine struct {
	Source
	broker.SourceAudit
	Refused int64
	Spark   spark
}

func (c *Console) home(w http.ResponseWriter, r *http.Request) {
	audit, queues := c.audit.get(r.Context()), c.queues.get(r.Context())
	page := homePage{Counted: audit.At, Since: audit.Value.Since, Broker: c.parts.Broker, Spools: audit.Value.Spools}
	page.Sum = sumOf(audit.Value)
	if audit.Err != nil {
		page.Old = true
		page.Away = &away{audit.Failed, audit.Err.Error()}
	}
	paused := c.paused(r.Context())
	page.Routes = c.routeLines(audit.Value, queues.Value, paused)
	page.Sources = c.sourceLines(audit.Value)
	byRoute, bySource := c.hours(r.Context())
	for i, line := range page.Routes {
		page.Routes[i].Spark = byRoute[line.Name].chart(line.Name + ": attempts in each of the last 24 hours, failed ones in red")
		page.Routes[i].Failing = byRoute[line.Name].failing()
	}
	for i, line := range page.Sources {
		page.Sources[i].Spark = bySource[line.Name].chart(line.Name + ": events in each of the last 24 hours")
	}
	page.Todo = c.todo(audit.Value, paused)
	title := verdict(page.Sum, len(page.Todo))
	switch {
	case page.Away != nil:
		title = capital(c.parts.Broker) + " does not answer"
		if gone := c.now().Sub(page.Away.Since).Truncate(time.Second); gone > 0 {
			title += ", for " + span(gone)
		}
	case audit.At.IsZero():
		title = "Counting"
	case page.Sum.Deliveries == 0:
		title = "Ready. Nothing has come yet."
		page.First = &first{c.parts.Sources}
	}
	page.Lead = lead(audit.Value, page.Sum, c)
	c.render(w, r, http.StatusOK, "home", title, page)
}

// lead is the sentence below the title.
func lead(a broker.Audit, s sum, c *Console) string {
	var stored int64
	for _, one := range a.Sources {
		stored += one.Accepted + one.Spooled
	}
	deliveries := number(s.Deliveries) + " deliveries"
	if s.Deliveries == 1 {
		deliveries = "1 delivery"
	}
	return many(stored, "event") + " stored since " + a.Since.In(c.zone).Format("2 January") + " made " + deliveries + ". The sum says where each of them is."
}

func (c *Console) sourceLines(a broker.Audit) (lines []sourceLine) {
	counts := map[string]broker.SourceAudit{}
	for _, one := range a.Sources {
		counts[one.Source] = one
	}
	for _, source := range c.parts.Sources {
		line := sourceLine{Source: source, SourceAudit: counts[source.Name]}
		for _, n := range line.Rejected {
			line.Refused += n
		}
		lines = append(lines, line)
	}
	return lines
}

// needs returns the counts in the menu, as of the last audit.
func (c *Console) needs() (n needs) {
	c.audit.mu.Lock()
	defer c.audit.mu.Unlock()
	s := sumOf(c.audit.answer.Value)
	return needs{s.Dead, s.Unrouted}
}
