package cli

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
)

const (
	// operatorTimeout bounds a read of the broker.
	operatorTimeout = 10 * time.Second
	// operatorCloseTimeout bounds the last notes to the ledger.
	operatorCloseTimeout = 5 * time.Second
	// noticeInterval is the time after which a command says why it waits.
	noticeInterval = time.Second
	// unknownTicks is the number of notice intervals after which it says so also without a reason.
	unknownTicks = 4
	// refusedTimeout bounds the waiting for a RabbitMQ that refuses connections. Nothing listens there then, or the address is wrong.
	refusedTimeout = 2 * time.Second
)

// withOperator is withPatientOperator for a command that gives up soon if RabbitMQ refuses connections.
func (c *command) withOperator(cmd *cobra.Command, timeout time.Duration, do func(context.Context, *config.Config, app.Operator) error) error {
	return c.withPatientOperator(cmd, timeout, refusedTimeout, do)
}

// withPatientOperator loads the configuration, opens its broker, calls do, and closes the broker. The context of do ends after
// timeout, and when a person interrupts the command. It waits for a RabbitMQ that refuses connections as long as refused; 0: until timeout.
func (c *command) withPatientOperator(cmd *cobra.Command, timeout, refused time.Duration, do func(context.Context, *config.Config, app.Operator) error) error {
	conf, err := c.loadBroker()
	if err != nil {
		return err
	}
	operator, err := app.OpenOperator(conf, refused)
	if err != nil {
		return err
	}
	stop := c.explainWait(conf, operator)
	ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
	defer cancel()
	err = leftBehind(conf, nextStep(conf, do(ctx, conf, operator)))
	stop()
	if err != nil && cmd.Context().Err() != nil {
		err = interrupted(err)
	}
	closing, cancelClose := context.WithTimeout(context.WithoutCancel(ctx), operatorCloseTimeout)
	defer cancelClose()
	if closeErr := operator.Close(closing); err == nil {
		err = closeErr
	}
	return err
}

// interrupted returns the error of a command that a person interrupted.
func interrupted(err error) error {
	if errors.Is(err, context.Canceled) {
		return exitError{ExitInterrupted, errors.New("interrupted")}
	}
	return exitError{ExitInterrupted, fmt.Errorf("interrupted: %w", err)}
}

// explainWait says on stderr once why the broker does not answer, unless stop is called before. A command may wait for the broker
// for a while. RabbitMQ keeps a wrong password waiting, too: an unknown reason is said only after unknownTicks.
func (c *command) explainWait(conf *config.Config, operator app.Operator) (stop func()) {
	ended := make(chan struct{})
	var explaining sync.WaitGroup
	explaining.Go(func() {
		tick := time.NewTicker(noticeInterval)
		defer tick.Stop()
		for ticks := 1; ; ticks++ {
			select {
			case <-tick.C:
				if err := operator.Ready(); err != nil && (ticks >= unknownTicks || app.NextStep(conf, err) != "") {
					fmt.Fprintf(c.stderr, "hookline: still trying: %v\n", nextStep(conf, err))
					return
				}
			case <-ended:
				return
			}
		}
	})
	return func() {
		close(ended)
		explaining.Wait()
	}
}

// nextStep adds the next step to an error of the broker.
func nextStep(conf *config.Config, err error) error {
	if step := app.NextStep(conf, err); step != "" {
		return fmt.Errorf("%w (%s)", err, step)
	}
	return err
}

// leftBehind adds to an error about a missing queue where other events of the data folder are.
func leftBehind(conf *config.Config, err error) error {
	if !errors.Is(err, broker.ErrNoQueue) {
		return err
	}
	elsewhere, failed := app.FindElsewhere(conf)
	if failed != nil || elsewhere == nil {
		return err
	}
	return fmt.Errorf("%w; events are elsewhere: %s", err, elsewhere.Advice())
}
