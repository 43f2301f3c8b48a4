package receiver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"
	"golang.org/x/net/netutil"
)

// Serve answers on ln until ctx ends, and closes it. Then it takes no more, lets the requests that run finish within
// Config.Grace and returns nil; an error means that it could not go on serving or had to cut requests off.
func (rc *Receiver) Serve(ctx context.Context, ln net.Listener) error {
	errorLog, err := zap.NewStdLogAt(rc.log.Named("http"), zap.WarnLevel)
	if err != nil {
		return fmt.Errorf("receiver: %w", err)
	}
	server := &http.Server{
		Handler:           rc.Handler(),
		ReadHeaderTimeout: rc.config.ReadHeaderTimeout,
		ReadTimeout:       rc.config.ReadTimeout,
		WriteTimeout:      rc.longest() + writeMargin,
		IdleTimeout:       rc.config.IdleTimeout,
		MaxHeaderBytes:    rc.config.MaxHeaderBytes,
		ErrorLog:          errorLog,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(netutil.LimitListener(ln, rc.config.MaxConnections)) }()
	select {
	case err := <-failed:
		return fmt.Errorf("receiver: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), rc.config.Grace)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		return errors.Join(fmt.Errorf("receiver: requests still ran after %v and were cut off: %w", rc.config.Grace, err), server.Close())
	}
	return nil
}

// writeMargin is what a slow reader gets beyond the longest deadline to take an answer of some hundred bytes.
const writeMargin = 5 * time.Second

// longest is how long a request can take at most.
func (rc *Receiver) longest() time.Duration {
	longest := rc.config.ReadTimeout
	for _, s := range rc.sources {
		longest = max(longest, s.Deadline)
	}
	return longest
}
