package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/console/jobs"
)

// routesPage is the data of the page of routes.
type routesPage struct {
	Lines    []routeLine
	Accounts []routeAccount
	Total    routeAccount
	Counted  time.Time
	Since    time.Time
	Broker   string
	Away     bool
	CanPause bool // the broker can, and the person may
	WhyNot   string
	Said     *said
}

// routeAccount is a line of the accounts by route.
type routeAccount struct {
	Name string
	broker.RouteAudit
}

// said is the answer to an act, on the page after it.
type said struct{ State, Text string }

func (c *Console) routes(w http.ResponseWriter, r *http.Request) {
	audit, queues := c.audit.get(r.Context()), c.queues.get(r.Context())
	v := visitorOf(r)
	page := routesPage{Counted: audit.At, Since: audit.Value.Since, Broker: c.parts.Broker, Away: audit.Err != nil, CanPause: v.Act() && c.parts.Pauser != nil}
	if !page.CanPause {
		page.WhyNot = "Pausing needs the role act; you " + v.Rights() + "."
	}
	page.Lines = c.routeLines(audit.Value, queues.Value, c.paused(r.Context()))
	c.addPauses(r.Context(), page.Lines)
	page.Total.Name = "Sum"
	for _, route := range audit.Value.Routes {
		page.Accounts = append(page.Accounts, routeAccount{routeName(route.Route), route})
		page.Total.add(route)
	}
	if route := r.URL.Query().Get("done"); slices.ContainsFunc(c.parts.Routes, func(one Route) bool { return one.Name == route }) {
		page.Said = &said{"done", "Done. Workers obey within seconds."}
	}
	c.render(w, r, http.StatusOK, "routes", "Routes", page)
}

func (a *routeAccount) add(r broker.RouteAudit) {
	a.Accepted += r.Accepted
	a.Waiting += r.Waiting
	a.Running += r.Running
	a.Retrying += r.Retrying
	a.Done += r.Done
	a.Dead += r.Dead
	a.Discarded += r.Discarded
	a.Unaccounted += r.Unaccounted
}

// addPauses marks the routes that a person has paused.
func (c *Console) addPauses(ctx context.Context, lines []routeLine) {
	if c.parts.Pauser == nil {
		return
	}
	pauses, err := c.parts.Pauser.Pauses(ctx)
	if err != nil {
		c.log.Debug("the console does not know which routes are paused", zap.Error(err))
		return
	}
	for i := range lines {
		if p, ok := pauses[lines[i].Name]; ok {
			lines[i].ByPerson = true
			lines[i].State, lines[i].Word = "paused", "Paused"
			lines[i].Because = "by " + p.By + ", " + c.clock(p.Since)
			if p.Why != "" {
				lines[i].Because += ": “" + p.Why + "”"
			}
		}
	}
}

// pause pauses a route for the person, who must say why.
func (c *Console) pause(w http.ResponseWriter, r *http.Request) {
	why := strings.TrimSpace(formValue(w, r, "why"))
	if why == "" {
		c.problem(w, r, problem{http.StatusBadRequest, "Why should the route pause?", "Nothing was done. Go back, and write a reason: others see it while the events wait."})
		return
	}
	c.actOnRoute(w, r, "route paused", why, func(ctx context.Context, route string, p broker.Pause) error {
		return c.parts.Pauser.Pause(ctx, route, p)
	})
}

// resume ends a pause.
func (c *Console) resume(w http.ResponseWriter, r *http.Request) {
	c.actOnRoute(w, r, "route resumed", "", func(ctx context.Context, route string, p broker.Pause) error {
		return c.parts.Pauser.Resume(ctx, route, p)
	})
}

// actOnRoute does an act, with a line in the log before it and its result after it.
func (c *Console) actOnRoute(w http.ResponseWriter, r *http.Request, what, why string, act func(context.Context, string, broker.Pause) error) {
	route, by := r.PathValue("route"), personOf(r)
	if c.parts.Pauser == nil {
		c.problem(w, r, problem{http.StatusNotImplemented, "Routes cannot be paused here", "Nothing was done: this process has no broker that pauses routes."})
		return
	}
	err := c.noted(r.Context(), jobs.Entry{Who: by, What: what, Subject: route, Why: why}, func() error {
		return act(r.Context(), route, broker.Pause{By: by, Why: why})
	})
	switch {
	case errors.Is(err, broker.ErrNotConsumed):
		c.problem(w, r, problem{http.StatusNotFound, "No worker consumes this route", "Nothing was done. The configuration has no route of this name, or a program of somebody else consumes it."})
	case err != nil:
		c.problem(w, r, problem{http.StatusServiceUnavailable, "Not done", capital(c.parts.Broker) + " refused: " + err.Error() + ". Try again."})
	default:
		http.Redirect(w, r, "/routes?done="+url.QueryEscape(route), http.StatusSeeOther)
	}
}

// noted writes an act to the log, does it, and writes its result. An act that cannot be written is not done.
func (c *Console) noted(ctx context.Context, e jobs.Entry, act func() error) error {
	if c.parts.Jobs == nil {
		return act()
	}
	id, err := c.parts.Jobs.Note(ctx, e)
	if err != nil {
		return err
	}
	result := "done"
	err = act()
	if err != nil {
		result = "refused: " + err.Error()
	}
	return errors.Join(err, c.parts.Jobs.NoteResult(context.WithoutCancel(ctx), id, result))
}

// personOf names the person behind a request for the log.
func personOf(r *http.Request) string {
	if name := visitorOf(r).Name; name != "" {
		return name
	}
	return "somebody without a login"
}

// formValue returns a field of a form, whose size is bounded.
func formValue(w http.ResponseWriter, r *http.Request, name string) string {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	return r.PostFormValue(name)
}
