package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/hookline/hookline/app"
	"github.com/hookline/hookline/app/config"
)

// server runs an app in a process with two listeners: the public one for webhooks, the private one for metrics and health.
type server struct {
	app     *app.App
	public  net.Listener // nil without a receiver
	private net.Listener
	monitor *http.Server
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
	return s, nil
}

// openPrivate opens the private listener. If another process has the port, such as the receiver on this machine that shares the
// worker's configuration, it opens the next free one of app.PrivateAddresses.
func openPrivate(address string, log *zap.Logger) (net.Listener, error) {
	addresses := app.PrivateAddresses(address)
	for _, next := range addresses {
		ln, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", next)
		if err == nil && next != address {
			log.Warn("another process has the port of private_listen, so metrics and health are at the next free one",
				zap.String("private_listen", address), zap.String("instead", next))
		}
		if err == nil || !errors.Is(err, syscall.EADDRINUSE) {
			return ln, listenError("private_listen", err)
		}
	}
	return nil, listenError("private_listen", fmt.Errorf("listen tcp: the ports from %s to %s are in use", addresses[0], addresses[len(addresses)-1]))
}

func open(key, address string) (net.Listener, error) {
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
	return ln, listenError(key, err)
}

// listenError adds the next step to an error of a listener.
func listenError(key string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w (if another process holds the port, choose another with %s in the configuration; without a file, with $HOOKLINE_%s)", key, err, key, strings.ToUpper(key))
	}
	return nil
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
	if s.app.Receiver != nil {
		group.Go(func() error { return s.app.Receiver.Serve(ctx, s.public) })
	}
	err := errors.Join(group.Wait(), s.app.Close())
	stopWatching()
	return errors.Join(err, <-watched)
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
