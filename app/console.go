package app

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/console"
	"github.com/hookline/hookline/console/api"
	"github.com/hookline/hookline/console/jobs"
	"github.com/hookline/hookline/worker"
)

// assembleConsole builds the jobs, the pages and the JSON API.
func (a *App) assembleConsole(o Options) (err error) {
	c := o.Config
	cfg, log := c.Console, o.Log.Named("console")
	cfg.Dir = filepath.Join(c.Data, "console")
	if a.jobs, err = jobs.Open(cfg.Dir, a.jobParts(c, log)); err != nil {
		return err
	}
	a.loops = append(a.loops, a.jobs.Run)
	matcher := broker.NewMatcher(c.Routes.Broker())
	parts := console.Parts{
		Auditor: a.broker, Inspector: a.broker, Jobs: a.jobs, Pauser: a.broker, Matches: matcher.Match,
		Sources: consoleSources(c), Routes: consoleRoutes(c), Broker: "RabbitMQ", Version: o.Version, Log: log,
	}
	if c.Broker.Embedded() {
		parts.Broker = "the embedded broker"
	}
	if a.Worker != nil {
		parts.Pausing = pausedSources{a.Worker}
	}
	programs := api.Parts{
		Jobs: a.jobs, Auditor: a.broker, Inspector: a.broker, Undelivered: a.broker, Pauser: a.broker, Pausing: parts.Pausing, Routes: parts.Routes, Log: log,
	}
	if a.journal != nil && a.journal.store != nil {
		parts.Journal, programs.Journal = a.journal.store, a.journal.store
	}
	if q, ok := a.Quarantine(); ok {
		programs.Quarantine = q
	}
	parts.API = api.New(programs).Handler()
	a.Console, err = console.New(cfg, parts)
	return err
}

// jobParts returns the parts for package jobs.
func (a *App) jobParts(c *config.Config, log *zap.Logger) jobs.Parts {
	parts := jobs.Parts{Undelivered: a.broker, Retrier: a.broker, Redeliverer: a.broker, Matches: routed(c.Routes.Broker()), Log: log.Named("jobs")}
	for _, r := range c.Routes {
		parts.Routes = append(parts.Routes, r.Name)
	}
	if a.journal != nil && a.journal.store != nil {
		parts.Journal, parts.Joined = a.journal.store, a.journal.store.Joined
	}
	return parts
}

// consoleSources describes the sources for people.
func consoleSources(c *config.Config) (all []console.Source) {
	for name, s := range c.Sources {
		does := s.Preset
		if does == "" {
			does = s.Scheme
		}
		all = append(all, console.Source{Name: name, Does: does, URL: c.PublicURL + s.Path})
	}
	for name := range c.Schedules {
		all = append(all, console.Source{Name: name, Does: "the clock"})
	}
	slices.SortFunc(all, func(x, y console.Source) int { return strings.Compare(x.Name, y.Name) })
	return all
}

// consoleRoutes describes the routes for people.
func consoleRoutes(c *config.Config) (all []console.Route) {
	for _, r := range c.Routes {
		route := console.Route{Name: r.Name, Match: r.Match, Where: r.Where.String(), Handler: r.HandlerPart.Kind}
		if r.External {
			route.Handler = "external"
		}
		all = append(all, route)
	}
	return all
}

// pausedSources tells the console which routes of this process have paused themselves.
type pausedSources struct{ worker *worker.Worker }

// Paused returns the pauses of this process's routes.
func (p pausedSources) Paused(context.Context) (all []console.PausedSource, err error) {
	for _, s := range p.worker.Paused() {
		all = append(all, console.PausedSource{Route: s.Route, Source: s.Source, Error: s.Error, Since: s.Since, Next: s.NextTry})
	}
	return all, nil
}
