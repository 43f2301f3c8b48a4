package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
)

func (c *command) run() *cobra.Command {
	return &cobra.Command{
		Use:     "run",
		GroupID: "roles",
		Short:   "Receive and work in one process",
		Long: `Run receiver and workers in one process. Without a configuration file this needs nothing else: events are kept
in the data folder (./data, or $HOOKLINE_DATA), Alma's are written to data/export, and the secret that Alma has to
sign with is made at the first start and shown. It listens on :8080, or $HOOKLINE_LISTEN, and for metrics and health on
127.0.0.1:9090, or $HOOKLINE_PRIVATE_LISTEN.

Ctrl-C stops it cleanly: what was accepted stays, running work gets time to finish. A second Ctrl-C ends it at once;
nothing that was answered with 200 is lost then either.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.serve(cmd, app.Options{Receive: true, Work: true})
		},
	}
}

// ballast counts in Go's heap, but takes no memory, since it is never touched. Without it the heap of a receiver is so small
// that Go collects it after every 400 events. A higher GOGC would do the same, but multiply the memory of large bodies.
const ballast = 6 << 20

func (c *command) receiver() *cobra.Command {
	return &cobra.Command{
		Use:     "receiver",
		GroupID: "roles",
		Short:   "Take webhooks in and publish them to RabbitMQ",
		Long: `Run a receiver: it verifies each webhook, publishes it to RabbitMQ and answers 200 once RabbitMQ has confirmed that
the event is stored. While RabbitMQ is away, events are kept in the data folder and handed on later. Run as many as you
like behind a load balancer, each with a data folder of its own.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, chosen := c.env("GOGC"); !chosen {
				defer runtime.KeepAlive(make([]byte, ballast))
			}
			return c.serve(cmd, app.Options{Receive: true})
		},
	}
}

func (c *command) worker() *cobra.Command {
	var only []string
	cmd := &cobra.Command{
		Use:     "worker",
		GroupID: "roles",
		Short:   "Consume routes from RabbitMQ and run their handlers",
		Long: `Run a worker: it consumes the queue of each route, or of the routes named with --route, and runs their handlers.
Start as many as you like; they share the work.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.serve(cmd, app.Options{Work: true, Only: only})
		},
	}
	cmd.Flags().StringSliceVar(&only, "route", nil, "consume only these routes, separated by commas")
	_ = cmd.RegisterFlagCompletionFunc("route", c.completeRoutes)
	return cmd
}

func (c *command) serve(cmd *cobra.Command, o app.Options) (err error) {
	log, err := c.logger()
	if err != nil {
		return err
	}
	builtIn := c.configFile() == ""
	if builtIn && (!o.Receive || !o.Work) {
		return usage(errors.New("a receiver or worker of its own needs a configuration with a RabbitMQ address: name it with --config, or use `hookline run`"))
	}
	madeSecret := false
	if builtIn {
		if madeSecret, err = config.EnsureSecret(config.SecretFile(c.env)); err != nil {
			return err
		}
	}
	defer func() {
		if madeSecret { // nobody knows it: the first start that succeeds makes one and shows it
			err = errors.Join(err, os.Remove(config.SecretFile(c.env)))
		}
	}()
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	o.Metrics = app.Registry(c.program.build().Version)
	o.File = c.open(o.Metrics, log)
	if o.Config, err = c.read(o.File.Read); err != nil {
		return err
	}
	for _, name := range o.Only {
		if err := knownRoute(o.Config, name, false, nil); err != nil {
			return err
		}
	}
	o.Hangup, o.Log = hangup, log
	process, err := app.New(o)
	if errors.Is(err, app.ErrOneProcess) {
		return usage(err)
	}
	if err != nil {
		return err
	}
	if builtIn {
		c.welcome(o.Config, process.Addr(), madeSecret)
		madeSecret = false
	}
	log.Info("started", zap.String("version", c.program.build().Version), zap.String("listen", process.Addr()),
		zap.String("private_listen", process.PrivateAddr()), zap.Int("sources", len(o.Config.Sources)+len(o.Config.Schedules)), zap.Int("routes", len(o.Config.Routes)))
	if o.Receive { // a worker may have no sources
		for _, w := range o.Config.Warnings() {
			log.Warn("configuration", zap.Error(w))
		}
	}
	defer context.AfterFunc(cmd.Context(), func() {
		log.Info("stopping; a second signal ends it at once", zap.Duration("grace", o.Config.Grace))
	})()
	if err := process.Run(cmd.Context()); err != nil {
		return err
	}
	log.Info("stopped")
	return nil
}

// welcome tells a newcomer what the built-in configuration made, and what to do next. The secret is for a person, or for
// whoever starts it first: a service that starts it each day must not fill its journal with it.
func (c *command) welcome(conf *config.Config, addr string, madeSecret bool) {
	_, port, _ := net.SplitHostPort(addr)
	secret := "(not shown again)"
	if madeSecret || app.IsTerminal(c.stdout) {
		secret = conf.Sources["alma"].Secrets[0].Value
	}
	fmt.Fprintf(c.stdout, `
  Hookline %s takes webhooks at   http://localhost:%s/webhooks/alma
  Alma's secret (kept in %s):   %s
  Every event becomes a file under   %s/export

  Try, in a second terminal here:    hookline send alma job_end

`, c.program.build().Version, port, config.SecretFile(c.env), secret, conf.Data)
}

func (c *command) completeRoutes(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	conf, err := c.loadLine()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return routeNames(conf), cobra.ShellCompDirectiveNoFileComp
}
