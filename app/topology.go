package app

import (
	"context"

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker/rabbitmq"
)

// Change is one object of the topology on RabbitMQ and how it stands.
type Change = rabbitmq.Change

// PlanTopology compares the configuration's RabbitMQ with the topology and changes nothing.
func PlanTopology(ctx context.Context, c *config.Config) ([]Change, error) {
	return rabbitmq.Plan(ctx, rabbitMQ(c))
}

// ApplyTopology makes what is missing, and deletes or changes nothing.
func ApplyTopology(ctx context.Context, c *config.Config) ([]Change, error) {
	return rabbitmq.Apply(ctx, rabbitMQ(c))
}

// Unbind takes a pattern away from a route's queue on RabbitMQ. A binding that does not exist is no error; a queue is.
func Unbind(ctx context.Context, c *config.Config, route, pattern string) error {
	return rabbitmq.Unbind(ctx, rabbitMQ(c), route, pattern)
}
