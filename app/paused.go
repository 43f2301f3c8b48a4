package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/hookline/hookline/worker"
)

// PausedPath is the path of App.Private that lists the paused sources of the process's routes as JSON.
const PausedPath = "/paused"

// PausedSource is a source whose events wait on a route, because its latest events there failed.
type PausedSource = worker.PausedSource

// paused returns the paused sources of this process's routes.
func (a *App) paused() []PausedSource {
	if a.Worker == nil {
		return []PausedSource{}
	}
	return a.Worker.Paused()
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
