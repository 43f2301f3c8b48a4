package cli

import (
	"errors"
	"fmt"
	"slices"

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
)

// knownRoute returns err, or wrong usage if the route is unknown: it is not in the configuration and has no dead letters. A
// route that was removed from the configuration may have some.
func knownRoute(conf *config.Config, name string, hasDead bool, err error) error {
	if name == broker.Spool && !conf.Broker.Embedded() {
		return err
	}
	nothing := !hasDead && (err == nil || errors.Is(err, broker.ErrNoQueue))
	if nothing && !slices.Contains(routeNames(conf), name) {
		return usage(fmt.Errorf("no route %q in the configuration; `hookline config show` lists them", name))
	}
	return err
}

func routeNames(conf *config.Config) []string {
	var names []string
	for _, r := range conf.Routes {
		names = append(names, r.Name)
	}
	return names
}
