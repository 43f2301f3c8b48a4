// Package app puts the parts together: configuration in, a running process out. It is the only place that names a
// line's implementation.
package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/receiver"
	"github.com/hookline/hookline/schedule"
	"github.com/hookline/hookline/worker"
)

// Options says what one process does.
type Options struct {
	Config *config.Config
	// Receive takes webhooks in; Work consumes routes. At least one.
	Receive, Work bool
	// Only are the routes to consume; none: all.
	Only []string
	// File is where Config came from, to be read again when it changes and at each Hangup.
	File   *config.File
	Hangup <-chan os.Signal
	// Metrics is what the private listener serves. See Registry; the handlers' metrics are in it already.
	Metrics *prometheus.Registry
	Log     *zap.Logger
}

// App is one process: its listeners are open, nothing runs yet.
type App struct {
	log      *zap.Logger
	broker   broker.Broker
	spool    *spooling    // nil: none
	public   net.Listener // nil without a receiver
	private  net.Listener
	receiver *receiver.Receiver
	emitter  *schedule.Emitter // nil without a receiver
	worker   *worker.Worker
	auditor  *auditor // nil without a worker
	monitor  *monitor
	reloader *reloader
	grace    time.Duration
}

// ErrOneProcess says that roles cannot be apart on the embedded line.
var ErrOneProcess = errors.New("the embedded line lives in one process: use `hookline run`, or set broker.url to a RabbitMQ address")

// closeTimeout bounds what is left to do for the line after everything that uses it has stopped.
const closeTimeout = 5 * time.Second

// New opens the line and the listeners, so that a wrong address is an error at the start. Run must follow.
func New(o Options) (*App, error) {
	c := o.Config
	if c.Broker.Embedded() && (!o.Receive || !o.Work) {
		return nil, ErrOneProcess
	}
	routes, err := chosen(c.Routes, o.Only)
	if err != nil {
		return nil, err
	}
	l, err := openBroker(c, o.Receive, o.Log, o.Metrics)
	if err != nil {
		return nil, err
	}
	a := &App{log: o.Log, broker: l, grace: c.Grace}
	if err := a.assemble(o, routes); err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

func (a *App) assemble(o Options, routes []worker.Route) (err error) {
	c, reg := o.Config, o.Metrics
	var cert *certificate
	if c.TLS != nil {
		cert = &certificate{}
		cert.current.Store(c.TLS)
	}
	if o.Receive {
		if a.spool, err = openSpool(c, a.broker, reg, o.Log.Named("spool")); err != nil {
			return err
		}
		if a.receiver, err = receiver.New(receiverConfig(c, cert, a.broker), a.publisher(), reg, o.Log.Named("receiver")); err != nil {
			return err
		}
		emits := schedule.Config{Sources: c.Schedules, Window: c.Duplicates}
		if a.emitter, err = schedule.New(emits, a.broker, reg, o.Log.Named("schedule")); err != nil {
			return err
		}
		if a.public, err = listen("listen", c.Listen); err != nil {
			return err
		}
	}
	if o.Work {
		if a.worker, err = worker.New(worker.Config{Routes: routes, Grace: c.Grace}, a.broker, reg, o.Log.Named("worker")); err != nil {
			return err
		}
		a.auditor = newAuditor(a.broker, brokerRoutes(c.Routes), reg, o.Log)
	}
	a.reloader = newReloader(o, a.receiver, a.emitter, cert)
	reg.MustRegister(newQueueCollector(a.broker, o.Log))
	a.monitor = newMonitor(reg, a.ready, c.Pprof, o.Log)
	a.private, err = listen("private_listen", c.PrivateListen)
	return err
}

// publisher is where the receiver stores events.
func (a *App) publisher() broker.Publisher {
	if a.spool != nil {
		return a.spool
	}
	return a.broker
}

// ready says whether an event can be stored now, and where.
func (a *App) ready() (text string, err error) {
	if a.spool != nil {
		text, err = a.spool.Ready()
	} else {
		text, err = "ok", a.broker.Ready()
	}
	if lacking := a.broker.Lacking(); len(lacking) > 0 {
		text += fmt.Sprintf("; but RabbitMQ lacks %s: run `hookline topology apply` as the operator", strings.Join(lacking, ", "))
	}
	return text, err
}

// Addr is where webhooks are taken, with the port that was really bound; empty without a receiver.
func (a *App) Addr() string {
	if a.public == nil {
		return ""
	}
	return a.public.Addr().String()
}

// PrivateAddr is where metrics and health are served.
func (a *App) PrivateAddr() string { return a.private.Addr().String() }

// Run works until ctx ends, then stops in order: no new webhooks and no new work, running work within the grace,
// the line, and the private listener last, so that the stop can be watched. It returns nil after a clean stop. When one
// part fails, the others are stopped in the same way.
func (a *App) Run(ctx context.Context) error {
	watching, stopWatching := context.WithCancel(context.WithoutCancel(ctx))
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	watched := make(chan error, 1)
	go func() {
		defer stop()
		watched <- a.monitor.serve(watching, a.private)
	}()

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { a.reloader.run(ctx); return nil })
	if a.receiver != nil {
		group.Go(func() error { return a.receiver.Serve(ctx, a.public) })
		group.Go(func() error { return a.emitter.Run(ctx) })
	}
	if a.spool != nil {
		group.Go(func() error { return a.spool.Run(ctx) })
	}
	if a.worker != nil {
		group.Go(func() error { return a.worker.Run(ctx) })
		group.Go(func() error { a.auditor.run(ctx); return nil })
	}
	err := errors.Join(group.Wait(), a.closeLines())
	stopWatching()
	return errors.Join(err, <-watched)
}

// closeLines closes the spool first: what it hands on needs the line.
func (a *App) closeLines() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	var err error
	if a.spool != nil {
		err = a.spool.store.Close(ctx)
	}
	return errors.Join(err, a.broker.Close(ctx))
}

// close undoes a New that failed half-way.
func (a *App) close() error {
	errs := []error{a.closeLines()}
	for _, ln := range []net.Listener{a.public, a.private} {
		if ln != nil {
			errs = append(errs, ln.Close())
		}
	}
	return errors.Join(errs...)
}

func receiverConfig(c *config.Config, cert *certificate, counter receiver.Counter) receiver.Config {
	out := receiver.Config{
		Sources: sources(c, c.Broker), Routed: routed(c.Routes), Counter: counter, PublicURL: c.PublicURL,
		TrustedProxies: c.TrustedProxies, Grace: c.Grace,
		MaxConnections: c.Limits.MaxConnections, MaxRequests: c.Limits.MaxRequests, MaxMemory: c.Limits.MaxMemory,
		MaxHeaderBytes: c.Limits.MaxHeaderBytes, ReadHeaderTimeout: c.Limits.ReadHeaderTimeout,
		ReadTimeout: c.Limits.ReadTimeout, IdleTimeout: c.Limits.IdleTimeout,
	}
	if cert != nil {
		out.TLS = cert.config()
	}
	return out
}

// sources are those of c as the line can store their events.
func sources(c *config.Config, line config.Broker) map[string]receiver.Source {
	out := make(map[string]receiver.Source, len(c.Sources))
	for name, source := range c.Sources {
		if !line.Embedded() {
			source.MaxBody = min(source.MaxBody, broker.MaxBody)
		}
		out[name] = source.Source
	}
	return out
}

func routed(routes []worker.Route) func(key string) bool {
	matcher := broker.NewMatcher(brokerRoutes(routes))
	return func(key string) bool { return matcher.Match(key) != nil }
}

// brokerRoutes is what the line has to know of the routes.
func brokerRoutes(routes []worker.Route) []broker.Route {
	out := make([]broker.Route, len(routes))
	for i, r := range routes {
		out[i] = r.Route
	}
	return out
}

func chosen(routes []worker.Route, only []string) ([]worker.Route, error) {
	if len(only) == 0 {
		return routes, nil
	}
	var out []worker.Route
	for _, name := range only {
		i := slices.IndexFunc(routes, func(r worker.Route) bool { return r.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("no route %q in the configuration; `hookline config show` lists them", name)
		}
		out = append(out, routes[i])
	}
	return out, nil
}

func listen(key, address string) (net.Listener, error) {
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w (another process may hold the port; choose another with %s in the configuration, or where there is none with $HOOKLINE_%s)", key, err, key, strings.ToUpper(key))
	}
	return ln, nil
}

// Registry is one process' metrics, with those of the build and of Go.
func Registry(version string) *prometheus.Registry {
	reg := prometheus.NewRegistry()
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "hookline_build_info", Help: "Always 1; the labels say which build runs."}, []string{"version", "goversion"})
	build.WithLabelValues(version, runtime.Version()).Set(1)
	reg.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return reg
}
