package receiver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"
	"golang.org/x/net/netutil"
	"golang.org/x/time/rate"
)

// Serve answers on ln until ctx ends, and closes it. Then it takes no more, lets the requests that run finish within
// Config.Grace and returns nil; an error means that it could not go on serving or had to cut requests off.
func (rc *Receiver) Serve(ctx context.Context, ln net.Listener) error {
	server := &http.Server{
		Handler:           rc.Handler(),
		ReadHeaderTimeout: rc.config.ReadHeaderTimeout,
		ReadTimeout:       rc.config.ReadTimeout,
		WriteTimeout:      rc.config.ReadTimeout + writeMargin,
		IdleTimeout:       rc.config.IdleTimeout,
		MaxHeaderBytes:    rc.config.MaxHeaderBytes,
		ErrorLog:          stdlog.New(connectionLog{rc.strangers, rc.log}, "", 0),
	}
	ln = netutil.LimitListener(ln, rc.config.MaxConnections)
	if rc.config.TLS != nil {
		ln = tls.NewListener(ln, rc.config.TLS)
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(ln) }()
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

// writeMargin is what a slow reader gets beyond its source's deadline to take an answer of some hundred bytes.
const writeMargin = 5 * time.Second

// connectionLog takes what net/http says of connections that never became a request, such as a failed TLS handshake.
// Anybody can make it speak, so its lines are limited, too.
type connectionLog struct {
	strangers *rate.Limiter
	log       *zap.Logger
}

// Write never fails.
func (l connectionLog) Write(text []byte) (int, error) {
	if l.strangers.Allow() {
		l.log.Warn("connection failed", zap.String("error", clip(strings.TrimSpace(string(text)), 512)))
	}
	return len(text), nil
}
