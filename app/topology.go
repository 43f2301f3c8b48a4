package app

import (
	"context"

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker/rabbitmq"
)

// Change is one object of the topology on RabbitMQ and its state.
type Change = rabbitmq.Change

// PlanTopology compares the RabbitMQ of the configuration with the topology. It changes nothing.
func PlanTopology(ctx context.Context, c *config.Config) ([]Change, error) {
	return rabbitmq.Plan(ctx, rabbitMQ(c))
}

// ApplyTopology declares missing objects. It deletes and changes nothing.
func ApplyTopology(ctx context.Context, c *config.Config) ([]Change, error) {
	return rabbitmq.Apply(ctx, rabbitMQ(c))
}

// Unbind removes the binding of a pattern from a route's queue on RabbitMQ. A missing queue is an error; a missing binding
// is not.
func Unbind(ctx context.Context, c *config.Config, route, pattern string) error {
	return rabbitmq.Unbind(ctx, rabbitMQ(c), route, pattern)
}
