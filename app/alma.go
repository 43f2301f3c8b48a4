package app

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/alma"
	"github.com/hookline/hookline/alma/enrich"
	"github.com/hookline/hookline/handlers/notify"
	"github.com/hookline/hookline/pkg/handler"
)

// libraries are the institutions of a configuration. Each has one client, which keeps its limits for all handlers.
type libraries struct {
	institutions map[string]alma.Config
	clients      map[string]*alma.Client
	metrics      *alma.Metrics
}

// client returns the client of an institution; without a name, of the only institution.
func (l libraries) client(name string) (*alma.Client, error) {
	names := slices.Sorted(maps.Keys(l.institutions))
	if name == "" && len(names) == 1 {
		name = names[0]
	}
	institution, known := l.institutions[name]
	switch {
	case len(names) == 0:
		return nil, errors.New("alma: no institution is configured; add alma: { main: { region: eu, key: ... } } at the top of the configuration")
	case !known:
		return nil, fmt.Errorf("alma %q: must be one of %s", name, strings.Join(names, ", "))
	}
	if l.clients[name] == nil {
		client, err := alma.New(name, institution, l.metrics)
		if err != nil {
			return nil, fmt.Errorf("alma %s: %w", name, err)
		}
		l.clients[name] = client
	}
	return l.clients[name], nil
}

// notify makes a handler that notifies persons. It needs an institution only if messages go to persons.
func (l libraries) notify(c notify.Config, m *notify.Metrics, log *zap.Logger) (handler.Handler, error) {
	if !c.NeedsPeople() {
		return notify.New(c, nil, m, log)
	}
	client, err := l.client(c.Alma)
	if err != nil {
		return nil, err
	}
	return notify.New(c, almaPeople{client}, m, log)
}

// enrich makes the handler that adds a document to each event for next.
func (l libraries) enrich(c enrich.Config, next handler.Handler) (handler.Handler, error) {
	client, err := l.client(c.Alma)
	if err != nil {
		return nil, err
	}
	return enrich.New(c, client, next)
}

// Institutions returns a client for each institution of a configuration, for a command beside the running process.
func Institutions(institutions map[string]alma.Config) (map[string]*alma.Client, error) {
	l := libraries{institutions, map[string]*alma.Client{}, alma.NewMetrics(prometheus.NewRegistry())}
	for name := range institutions {
		if _, err := l.client(name); err != nil {
			return nil, err
		}
	}
	return l.clients, nil
}
