package app

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/worker"
)

// workerRoutes returns the routes that workers consume, each with the sources whose events can match.
func workerRoutes(c *config.Config) []worker.Route {
	routes := c.Routes.Worker()
	names := slices.Sorted(maps.Keys(c.Sources))
	names = append(names, slices.Sorted(maps.Keys(c.Schedules))...)
	for i := range routes {
		for _, source := range names {
			if slices.ContainsFunc(routes[i].Match, func(pattern string) bool {
				word, _, _ := strings.Cut(pattern, ".")
				return word == source || word == "*" || word == "#"
			}) {
				routes[i].Sources = append(routes[i].Sources, source)
			}
		}
	}
	return routes
}

// chosen returns those of the routes that workers consume with the names, or all of them if there are no names.
func chosen(routes []worker.Route, names []string) ([]worker.Route, error) {
	if len(names) == 0 {
		return routes, nil
	}
	var out []worker.Route
	for _, name := range names {
		i := slices.IndexFunc(routes, func(r worker.Route) bool { return r.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("no route %q with a handler in the configuration; `hookline config show` lists them", name)
		}
		out = append(out, routes[i])
	}
	return out, nil
}
