package app

import (
	"context"
	"fmt"

	"github.com/hookline/hookline/alma/transfer"
	"github.com/hookline/hookline/app/config"
)

// Transfer runs a route's transfer of a job again, in this process and without an event.
func Transfer(ctx context.Context, c *config.Config, route string, job transfer.Job) error {
	routes, err := chosen(c.Routes.Worker(), []string{route})
	if err != nil {
		return err
	}
	h, ok := routes[0].Handler.(*transfer.Handler)
	if !ok {
		return fmt.Errorf("route %s does no transfers: name one whose handler is of kind transfer, without enrich and redact, which no transfer reads", route)
	}
	return h.Again(ctx, job)
}
