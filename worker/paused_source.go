package worker

import (
	"fmt"
	"strings"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/handler"
)

// PausedSource is a source whose events wait on a route, because its latest events there failed. With ReasonRefused it stands for the
// dead letters of the route, of all sources, because their queue refuses them.
type PausedSource struct {
	Route   string    `json:"route"`
	Source  string    `json:"source"`   // "(other)": the sources that are not in the configuration; empty with ReasonRefused
	Since   time.Time `json:"since"`    // begin of the pause
	NextTry time.Time `json:"next_try"` // when one event is tried; in the past while the try runs, or while no event has come for it
	Reason  string    `json:"reason"`   // of the last failure: one of Reasons, or ReasonRefused
	Error   string    `json:"error"`    // the last failure as a log shows it, at most broker.MaxErrorText bytes
}

// String returns a sentence for an operator, on one line.
func (p PausedSource) String() string {
	if p.Reason == ReasonRefused {
		return fmt.Sprintf("the dead letters of route %s wait since %s, because their queue is full (%s); other events go on. Replay or discard some: hookline dead list %s",
			p.Route, p.Since.Local().Format(time.DateTime), strings.Join(strings.Fields(p.Error), " "), p.Route)
	}
	next := "one of them is tried at " + p.NextTry.Local().Format(time.DateTime)
	if !time.Now().Before(p.NextTry) {
		next = "the next of them is tried at once"
	}
	return fmt.Sprintf("route %s is paused for source %s since %s, because its events fail (%s: %s); they wait, and %s",
		p.Route, p.Source, p.Since.Local().Format(time.DateTime), p.Reason, strings.Join(strings.Fields(p.Error), " "), next)
}

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
