package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/hookline/hookline/app"
)

func (c *command) run() *cobra.Command {
	return &cobra.Command{
		Use:     "run",
		GroupID: "roles",
		Short:   "Run receiver, worker and console in one process",
		Long: `Run receiver, worker and console in one process. This needs no configuration and no other program: the built-in configuration
stores events in the data folder and writes Alma's events to data/export. The first start makes the secret for Alma's
form and shows it. Environment variables of the built-in configuration:

- HOOKLINE_DATA: the data folder (default data)
- HOOKLINE_LISTEN: the address for webhooks (default :8080)
- HOOKLINE_PRIVATE_LISTEN: the address for metrics and health (default 127.0.0.1:9090)
- HOOKLINE_CONSOLE_LISTEN: the address of the console, for people (default 127.0.0.1:8090; empty: no console)

Ctrl-C stops the process when running handlers have finished, at the latest after the configured grace. A second Ctrl-C
ends it at once; in the first second it counts as a repeat. Every event that was answered with 200 stays stored in both cases.`,
		Example: `  hookline run
  hookline run --config hookline.yml`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.serve(cmd, app.Options{Receive: true, Work: true, Console: true})
		},
	}
}

// ballast is the size of an untouched allocation: it counts in Go's heap and takes no memory. Without it Go collects the small
// heap of a receiver after every 400 events. A higher GOGC would do the same, but multiply the memory of large bodies.
const ballast = 6 << 20

func (c *command) receiver() *cobra.Command {
	return &cobra.Command{
		Use:     "receiver",
		GroupID: "roles",
		Short:   "Receive webhooks and publish them to RabbitMQ",
		Long: `Run a receiver. It verifies each webhook, publishes it to RabbitMQ, and answers 200 when RabbitMQ has confirmed that the
event is stored. While RabbitMQ is down, the receiver stores events in its data folder and publishes them later, unless
the source's when_down is refuse. Run any number of receivers behind a load balancer, each with its own data folder.`,
		Example: "  hookline receiver --config hookline.yml",
		Args:    args(cobra.NoArgs),
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
		Short:   "Consume events from RabbitMQ and handle them",
		Long: `Run a worker. It consumes the queue of each route, or of the routes that --route names, and runs their handlers. Run any
number of workers; they share the events. A worker needs no secrets of sources: their files and variables may be missing.`,
		Example: `  hookline worker --config hookline.yml
  hookline worker --config hookline.yml --route archive,mail`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.serve(cmd, app.Options{Work: true, Only: only})
		},
	}
	cmd.Flags().StringSliceVar(&only, "route", nil, "consume only the routes with these `NAMES`, separated by commas")
	_ = cmd.RegisterFlagCompletionFunc("route", c.completeRoutes)
	return cmd
}

func (c *command) consoleRole() *cobra.Command {
	return &cobra.Command{
		Use:     "console",
		GroupID: "roles",
		Short:   "Serve the console for events on RabbitMQ",
		Long: `Run the console: pages and a JSON API where people see what became of each event, and act. It keeps the journal in its data
folder. The first start makes the password of the user admin and shows it. Run one console for each RabbitMQ; "hookline run" has one
inside. Open its listener, console.listen, to people only.`,
		Example: "  hookline console --config hookline.yml",
		Args:    args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.serve(cmd, app.Options{Console: true})
		},
	}
}

// serve runs the roles that o selects until the command's context ends.
func (c *command) serve(cmd *cobra.Command, o app.Options) (err error) {
	log, err := c.logger()
	if err != nil {
		return err
	}
	limitMemory(log)
	if err := hideMemory(); err != nil {
		log.Warn("programs of the same user can read this process's environment and memory", zap.Error(err))
	}
	if c.configFile() == "" && (!o.Receive || !o.Work) {
		return usage(errors.New("a receiver, a worker or a console alone needs a configuration with a RabbitMQ address: name it with --config, or use `hookline run`"))
	}
	first, err := c.newFirstRun()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, first.undo()) }()
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	o.Version = c.program.build().Version
	o.Metrics, o.Log, o.Hangup = app.Registry(o.Version), log, hangup
	o.File = c.open(o.Metrics, log)
	read := o.File.Read
	if !o.Receive {
		read = o.File.ReadWorker
	}
	if o.Config, err = c.read(read); err != nil {
		return err
	}
	s, err := newServer(o)
	if err != nil {
		return err
	}
	c.welcome(&first, o.Config, s)
	logStart(o, s, c.program.build())
	defer context.AfterFunc(cmd.Context(), func() {
		log.Info("stopping; a second signal ends the process at once", zap.Duration("grace", o.Config.Grace))
	})()
	if err := s.run(cmd.Context()); err != nil {
		return err
	}
	log.Info("stopped")
	return nil
}

// newServer builds the parts that o selects, and opens their listeners.
func newServer(o app.Options) (*server, error) {
	for _, name := range o.Only {
		if err := knownRoute(o.Config, name, false, nil); err != nil {
			return nil, err
		}
	}
	a, err := app.New(o)
	if errors.Is(err, app.ErrOneProcess) || errors.Is(err, app.ErrElsewhere) {
		return nil, usage(err)
	}
	if err != nil {
		return nil, err
	}
	s, err := listen(a, o.Config, o.Log)
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return s, nil
}

func logStart(o app.Options, s *server, b build) {
	listen, people := "", ""
	if s.public != nil {
		listen = s.public.Addr().String()
	}
	if s.people != nil {
		people = s.people.Addr().String()
	}
	o.Log.Info("started", zap.String("version", b.Version), zap.String("listen", listen), zap.String("console_listen", people), zap.String("private_listen", s.private.Addr().String()),
		zap.String("data", o.Config.DataFolder()), zap.Int("sources", len(o.Config.Sources)+len(o.Config.Schedules)), zap.Int("routes", len(o.Config.Routes)))
	if o.Receive { // a worker may have no sources
		for _, w := range o.Config.Warnings() {
			o.Log.Warn("configuration", zap.Error(w))
		}
	}
}

func (c *command) completeRoutes(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	conf, err := c.loadBroker()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return routeNames(conf), cobra.ShellCompDirectiveNoFileComp
}
