package main

import (
	"context"

	"github.com/hookline/hookline/test/faults/system"
)

// extraRoute is a route that comes, goes and comes back under load.
const extraRoute = `
  extra:
    match: "#"
    handler: { kind: log }
`

// routeRemoved adds a route, removes it and adds it again. Each time all processes are restarted, one after the other.
func routeRemoved(ctx context.Context, t *trial) (func(context.Context) error, error) {
	for _, routes := range []string{extraRoute, "", extraRoute} {
		if err := t.SetMoreRoutes(routes); err != nil {
			return nil, err
		}
		if err := all(t.Processes(), func(p *system.Process) error {
			if err := p.Stop(ctx); err != nil {
				return err
			}
			p.StartAgain()
			return t.Ready(ctx)
		}); err != nil {
			return nil, err
		}
		wait(ctx, calm)
	}
	return nil, nil
}
