// Package app wires the parts of a process: configuration in, parts out. It chooses the broker. It opens no listener: the
// command line, a test or a function platform brings its own.
package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/spool"
	"github.com/hookline/hookline/console"
	"github.com/hookline/hookline/console/jobs"
	"github.com/hookline/hookline/expect"
	"github.com/hookline/hookline/receiver"
	"github.com/hookline/hookline/schedule"
	"github.com/hookline/hookline/worker"
)

// Options selects the parts of one process.
type Options struct {
	Config *config.Config
	// Receive takes webhooks in; Work consumes routes; Console shows pages to people, unless console.listen is empty. Set at least one.
	Receive, Work, Console bool
	// Version of the program, for the pages.
	Version string
	// Only names the routes to consume; empty means all.
	Only []string
	// File is the file of Config. Run reads it again when it changes and at each Hangup.
	File   *config.File
	Hangup <-chan os.Signal
	// Metrics is served by App.Private. See Registry; the handlers' metrics are already in it.
	Metrics *prometheus.Registry
	Log     *zap.Logger
}

// App holds the parts of one process. Serve Receiver and Private with any HTTP server, call Run, and Close at the end. A
// host that brings deliveries itself calls Worker.Process instead of Run.
type App struct {
	// Receiver answers webhooks: its Handler with any server, its Serve on a listener. It is nil without Options.Receive.
	Receiver *receiver.Receiver
	// Worker handles deliveries; Run calls its Run. It is nil without Options.Work.
	Worker *worker.Worker
	// Console serves people: its Handler with any server. It is nil without Options.Console.
	Console *console.Console
	// Private answers /metrics, /healthz, ReadyPath, PausedPath and, if configured, /debug/pprof/. It is not for strangers.
	Private http.Handler

	broker   broker.Broker
	spool    *spool.Spool  // nil with the embedded broker, which stores on the disk itself
	journal  *journaling   // nil: there is no journal
	expected *expect.Watch // nil: no route expects events, or this process does not keep the journal
	jobs     *jobs.Jobs    // nil: there is no console
	loops    []func(context.Context) error

	consumed []string // the routes of Worker
}

// ErrOneProcess says that the embedded broker cannot serve a receiver and a worker in two processes.
var ErrOneProcess = errors.New("the embedded broker works inside one process: use `hookline run`, or set broker.url to a RabbitMQ address")

// closeTimeout bounds Close.
const closeTimeout = 5 * time.Second

// New opens the broker and the spool, and builds the parts. Close must follow. It returns ErrElsewhere, and opens nothing, if the data folder
// was used with another broker, which may have stored events.
func New(o Options) (*App, error) {
	c := o.Config
	if c.Broker.Embedded() && (!o.Receive || !o.Work) {
		return nil, ErrOneProcess
	}
	routes, err := chosen(workerRoutes(c), o.Only)
	if err != nil {
		return nil, err
	}
	if err := checkElsewhere(c); err != nil {
		return nil, err
	}
	b, err := openBroker(c, o.Receive, len(routes), o.Log, o.Metrics)
	if err != nil {
		return nil, err
	}
	a := &App{broker: b}
	if err := a.assemble(o, routes); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// assemble builds the parts in the order of an event's way through them.
func (a *App) assemble(o Options, routes []worker.Route) error {
	reload := newReloader(o)
	var err error
	if a.journal, err = openJournal(o.Config, a.broker, o.Console, o.Metrics, o.Log.Named("journal")); err != nil {
		return err
	}
	if o.Receive {
		if err := a.assembleReceiver(o, reload); err != nil {
			return err
		}
	}
	if o.Work {
		if err := a.assembleWorker(o, routes); err != nil {
			return err
		}
	}
	if o.Console && o.Config.Console.Listen != "" {
		if err := a.assembleConsole(o); err != nil {
			return err
		}
	}
	a.loop(reload.run)
	if err := a.watchExpected(o, a.publisher()); err != nil {
		return err
	}
	o.Metrics.MustRegister(newQueueCollector(a.broker, o.Log))
	a.Private = newPrivate(o.Metrics, a.ready, a.paused, o.Config.Pprof)
	return nil
}

func (a *App) assembleReceiver(o Options, reload *reloader) (err error) {
	c, reg := o.Config, o.Metrics
	var publisher broker.Publisher = a.broker
	if remote, ok := a.broker.(spool.Broker); ok { // which can be away
		if a.spool, err = spool.Open(spoolConfig(c), remote, a.broker, reg, o.Log.Named("spool")); err != nil {
			return err
		}
		publisher = a.spool
		a.loops = append(a.loops, a.spool.Run)
	}
	if c.TLS.Certificate != nil {
		reload.certificate = &certificate{}
		reload.certificate.current.Store(c.TLS.Certificate)
	}
	serving, clock := receiverConfig(c, reload.certificate, a.broker), schedule.Config{Sources: c.CheckedSchedules, Window: c.Duplicates}
	if a.journal != nil {
		serving.Journal, serving.Quarantine, clock.Journal = a.journal, a.journal, a.journal
	}
	if a.Receiver, err = receiver.New(serving, publisher, reg, o.Log.Named("receiver")); err != nil {
		return err
	}
	emitter, err := schedule.New(clock, a.broker, reg, o.Log.Named("schedule"))
	if err != nil {
		return err
	}
	reload.receiver, reload.emitter = a.Receiver, emitter
	a.loops = append(a.loops, emitter.Run)
	return nil
}

func (a *App) assembleWorker(o Options, routes []worker.Route) (err error) {
	c := o.Config
	cfg := worker.Config{Routes: routes, Grace: c.Grace, Decoding: c.Decoding}
	if a.journal != nil {
		cfg.Journal = a.journal
	}
	if a.Worker, err = worker.New(cfg, a.broker, o.Metrics, o.Log.Named("worker")); err != nil {
		return err
	}
	for _, r := range routes {
		a.consumed = append(a.consumed, r.Name)
	}
	if err = a.countPaused(o.Metrics); err != nil {
		return err
	}
	a.loops = append(a.loops, a.Worker.Run)
	a.loop(newAuditor(a.broker, c.Routes.Broker(), o.Metrics, o.Log).run)
	return nil
}

// publisher stores events: the spool where there is one, else the broker.
func (a *App) publisher() broker.Publisher {
	if a.spool != nil {
		return a.spool
	}
	return a.broker
}

// loop adds a loop that cannot fail to those that Run runs.
func (a *App) loop(run func(context.Context)) {
	a.loops = append(a.loops, func(ctx context.Context) error {
		run(ctx)
		return nil
	})
}

// Run runs everything beside requests until ctx ends: the worker's routes, the spool, the schedules, the audit and
// the reload of the configuration. It returns when the running handlers have ended, at the latest 5 seconds after the
// configuration's grace; nil means a clean stop. When one part fails, Run stops the others in the same way.
func (a *App) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, run := range a.loops {
		group.Go(func() error { return run(ctx) })
	}
	return group.Wait()
}

// Close closes the spool, which still publishes to the broker, then the journal, and then the broker. It takes 5 seconds at most. Call it after
// Run has returned and the last request is answered.
func (a *App) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	var err error
	if a.spool != nil {
		err = a.spool.Close(ctx)
	}
	if a.jobs != nil {
		err = errors.Join(err, a.jobs.Close())
	}
	if a.journal != nil {
		err = errors.Join(err, a.journal.close())
	}
	return errors.Join(err, a.broker.Close(ctx))
}

// ready returns where an event can be stored now, or why it cannot be stored. The next lines name the paused sources.
func (a *App) ready() (text string, err error) {
	if a.spool != nil {
		text, err = a.spool.Ready()
	} else {
		text, err = "ok", a.broker.Ready()
	}
	if lacking := a.broker.Lacking(); len(lacking) > 0 {
		text += fmt.Sprintf("; but RabbitMQ lacks %s: run `hookline topology apply` as the operator", strings.Join(lacking, ", "))
	}
	if a.Receiver != nil {
		if weak := a.Receiver.WeakSources(); len(weak) > 0 {
			text += "; but anybody can guess the secrets of " + strings.Join(weak, ", ") + ": replace them, and remove weak_secrets"
		}
	}
	for _, p := range a.paused() {
		text += "\n" + p.String()
	}
	return text, err
}
