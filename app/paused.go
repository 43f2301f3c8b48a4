package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/worker"
)

// PausedPath is the path of App.Private that lists the paused routes and sources of the process as JSON.
const PausedPath = "/paused"

// PausedSource is a source whose events wait on a route, because its latest events there failed.
type PausedSource = worker.PausedSource

// PausedByPerson returns the entry of a route in a list of paused sources, for the pause by a person.
func PausedByPerson(route string, p broker.Pause) PausedSource {
	return PausedSource{Route: route, Since: p.Since, Reason: worker.ReasonPerson, Error: p.Why, By: p.By}
}

// paused returns the routes that a person has paused, as far as this process consumes them, and the paused sources of its routes.
func (a *App) paused() []PausedSource {
	all := []PausedSource{}
	if a.Worker == nil {
		return all
	}
	pauses := a.broker.Paused()
	for _, route := range a.consumed {
		if p, ok := pauses[route]; ok {
			all = append(all, PausedByPerson(route, p))
		}
	}
	return append(all, a.Worker.Paused()...)
}

// countPaused registers a metric for each consumed route: whether a person has paused it.
func (a *App) countPaused(reg prometheus.Registerer) error {
	var errs []error
	for _, route := range a.consumed {
		errs = append(errs, reg.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "hookline_worker_paused_by_person", Help: "1 while this worker takes no events of the route, because a person has paused it.",
			ConstLabels: prometheus.Labels{"route": route},
		}, func() float64 {
			if _, paused := a.broker.Paused()[route]; paused {
				return 1
			}
			return 0
		})))
	}
	return errors.Join(errs...)
}

// askTimeout bounds AskPaused: the process is on this machine as a rule.
const askTimeout = 2 * time.Second

// AskPaused asks a running process, by the address of its private listener or by a URL of it, for the paused sources of its
// routes.
func AskPaused(ctx context.Context, address string) ([]PausedSource, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, privateURL(address, PausedPath), nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", request.URL, answer.Status)
	}
	var paused []PausedSource
	err = json.NewDecoder(http.MaxBytesReader(nil, answer.Body, 1<<20)).Decode(&paused)
	return paused, err
}
