package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
)

// operatorTimeout bounds a read of the broker.
const operatorTimeout = 10 * time.Second

// withOperator loads the configuration, opens its broker, calls do, and closes the broker. The context of do ends after
// timeout.
func (c *command) withOperator(cmd *cobra.Command, timeout time.Duration, do func(context.Context, *config.Config, app.Operator) error) error {
	conf, err := c.loadBroker()
	if err != nil {
		return err
	}
	operator, err := app.OpenOperator(conf)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
	defer cancel()
	err = nextStep(do(ctx, conf, operator))
	if closeErr := operator.Close(ctx); err == nil {
		err = closeErr
	}
	return err
}

// nextStep adds the next step to the error of a broker that is down.
func nextStep(err error) error {
	if errors.Is(err, broker.ErrDown) {
		return fmt.Errorf("%w (start RabbitMQ, or correct broker.url)", err)
	}
	return err
}
