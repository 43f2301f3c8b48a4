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
	rabbit, err := rabbitMQ(c)
	if err != nil {
		return nil, err
	}
	return rabbitmq.Plan(ctx, rabbit)
}

// ApplyTopology makes what is missing, and deletes or changes nothing.
func ApplyTopology(ctx context.Context, c *config.Config) ([]Change, error) {
	rabbit, err := rabbitMQ(c)
	if err != nil {
		return nil, err
	}
	return rabbitmq.Apply(ctx, rabbit)
}

// Unbind takes a pattern away from a route's queue on RabbitMQ. A binding that does not exist is no error; a queue is.
func Unbind(ctx context.Context, c *config.Config, route, pattern string) error {
	rabbit, err := rabbitMQ(c)
	if err != nil {
		return err
	}
	return rabbitmq.Unbind(ctx, rabbit, route, pattern)
}
