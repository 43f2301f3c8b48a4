package worker

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/handler"
)

// ReasonPerson is the reason of a PausedSource that stands for a whole route, because a person has paused it; see broker.Pauser.
const ReasonPerson = "person"

// PausedSource is a source whose events wait on a route, because its latest events there failed. With ReasonRefused it stands for the
// dead letters of the route, of all sources, because their queue refuses them. With ReasonPerson it stands for the route, and has no NextTry.
type PausedSource struct {
	Route   string    `json:"route"`
	Source  string    `json:"source"`   // "(other)": the sources that are not in the configuration; empty with ReasonRefused and ReasonPerson
	Since   time.Time `json:"since"`    // begin of the pause
	NextTry time.Time `json:"next_try"` // when one event is tried; in the past while the try runs, or while no event has come for it
	Reason  string    `json:"reason"`   // of the last failure: one of Reasons; or ReasonRefused, or ReasonPerson
	Error   string    `json:"error"`    // the last failure as a log shows it, at most broker.MaxErrorText bytes; the person's reason

	By string `json:"by,omitempty"` // the person, with ReasonPerson
}

// ByPerson reports whether p stands for a route that a person has paused.
func (p PausedSource) ByPerson() bool { return p.Reason == ReasonPerson }

// String returns a sentence for an operator, on one line.
func (p PausedSource) String() string {
	if p.Reason == ReasonPerson {
		return fmt.Sprintf("route %s is paused by a person (%s) since %s, because: %s; its events wait. Resume it: hookline routes resume %s", p.Route,
			cmp.Or(oneLine(p.By), "no name"), p.Since.Local().Format(time.DateTime), cmp.Or(oneLine(p.Error), "no reason"), p.Route)
	}
	if p.Reason == ReasonRefused {
		return fmt.Sprintf("the dead letters of route %s wait since %s, because their queue is full (%s); other events go on. Replay or discard some: hookline dead list %s",
			p.Route, p.Since.Local().Format(time.DateTime), oneLine(p.Error), p.Route)
	}
	next := "one of them is tried at " + p.NextTry.Local().Format(time.DateTime)
	if !time.Now().Before(p.NextTry) {
		next = "the next of them is tried at once"
	}
	return fmt.Sprintf("route %s is paused for source %s since %s, because its events fail (%s: %s); they wait, and %s",
		p.Route, p.Source, p.Since.Local().Format(time.DateTime), p.Reason, oneLine(p.Error), next)
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// Paused returns the paused sources of all routes of this process, in the order of the routes and of their sources.
func (w *Worker) Paused() []PausedSource {
	all := []PausedSource{}
	for _, r := range w.runners {
		all = append(all, r.breakers.state()...)
		all = append(all, r.refused.state(time.Now())...)
	}
	return all
}

// errorText returns an error as a log may show it.
func errorText(err error) string {
	if err == nil {
		return ""
	}
	text := handler.LogText(err)
	return text[:min(len(text), broker.MaxErrorText)]
}
