package cli

import (
	"errors"
	"fmt"
	"slices"

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
)

// knownRoute returns err, or wrong usage if there is no such route: neither in the configuration nor, since one that was removed may have
// some, among the dead letters.
func knownRoute(conf *config.Config, name string, hasDead bool, err error) error {
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
