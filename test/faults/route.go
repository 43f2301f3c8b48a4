package main

import (
	"context"
	"path/filepath"

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

// routePaused pauses a route whose events come in, as a person does, and resumes it. Another fault can keep the command from RabbitMQ: then it
// is repeated.
func routePaused(ctx context.Context, t *trial) (func(context.Context) error, error) {
	command := func(ctx context.Context, args ...string) error {
		args = append([]string{"routes"}, append(args, "--config", filepath.Join(t.Dir(), "hookline.yml"))...)
		return system.Eventually(ctx, func() error {
			_, _, err := t.Run(ctx, args...)
			return err
		})
	}
	pausing, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return func(ctx context.Context) error { return command(ctx, "resume", system.Count) }, command(pausing, "pause", system.Count, "--why", "a trial")
}
