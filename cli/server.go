package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
)

// server runs an app in a process with up to three listeners: the public one for webhooks, the private one for metrics and health, and the
// console's for people.
type server struct {
	app     *app.App
	public  net.Listener // nil without a receiver
	private net.Listener
	monitor *http.Server
	people  net.Listener // nil without a console
	pages   *http.Server
}

// listen opens the listeners, so that a wrong address is an error at the start.
func listen(a *app.App, c *config.Config, log *zap.Logger) (*server, error) {
	s := &server{app: a, monitor: &http.Server{
		Handler: a.Private, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, ErrorLog: zap.NewStdLog(log.Named("private")),
	}}
	var err error
	if a.Receiver != nil {
		if s.public, err = open("listen", c.Listen); err != nil {
			return nil, err
		}
	}
	if s.private, err = openPrivate(c.PrivateListen, log); err != nil {
		if s.public != nil {
			err = errors.Join(err, s.public.Close())
		}
		return nil, err
	}
	if a.Console != nil {
		if s.people, err = openConsole(c.Console.Listen, log); err != nil {
			return nil, errors.Join(err, s.closeListeners())
		}
		s.pages = &http.Server{Handler: a.Console.Handler(), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, ErrorLog: zap.NewStdLog(log.Named("console"))}
	}
	return s, nil
}

// closeListeners closes the listeners that are open.
func (s *server) closeListeners() error {
	var errs []error
	for _, l := range []net.Listener{s.public, s.private} {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	return errors.Join(errs...)
}

// run serves until ctx ends, and then stops in order: first new requests and new deliveries, then running ones within the
// grace, then the spool and the broker, and the private listener last, so that the stop can be watched. It returns nil
// after a clean stop. When one part fails, run stops the others in the same way.
func (s *server) run(ctx context.Context) error {
	watching, stopWatching := context.WithCancel(context.WithoutCancel(ctx))
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	watched := make(chan error, 1)
	go func() {
		defer stop()
		watched <- s.watch(watching)
	}()

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.app.Run(ctx) })
	if s.people != nil {
		group.Go(func() error { return s.show(ctx) })
	}
	if s.app.Receiver != nil {
		group.Go(func() error { return s.app.Receiver.Serve(ctx, s.public) })
	}
	err := errors.Join(group.Wait(), s.app.Close())
	stopWatching()
	return errors.Join(err, <-watched)
}

// show answers people until ctx ends. Live pages end at once, because nothing is lost with them.
func (s *server) show(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = s.pages.Close() })
	defer stop()
	if err := s.pages.Serve(s.people); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("console: %w", err)
	}
	return nil
}

// watch answers on the private listener until ctx ends.
func (s *server) watch(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = s.monitor.Close() })
	defer stop()
	if err := s.monitor.Serve(s.private); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("private listener: %w", err)
	}
	return nil
}
