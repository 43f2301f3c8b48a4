package receiver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"
)

// Serve answers requests on ln until ctx ends, and closes ln. Running requests then have Config.Grace to finish. Serve
// returns an error if ln fails, or if it had to cut off requests.
func (rc *Receiver) Serve(ctx context.Context, ln net.Listener) error {
	server := rc.server()
	open := newConnections(ln, rc.config.MaxConnections, rc.recorder.proxies, rc.connectionEvents())
	server.ConnState, ln = open.state, open
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
		return errors.Join(fmt.Errorf("receiver: requests were cut off after %v: %w", rc.config.Grace, err), server.Close())
	}
	return nil
}

// connectionEvents counts the connections, and logs the clients that use their share.
func (rc *Receiver) connectionEvents() connectionEvents {
	return connectionEvents{
		open: rc.metrics.connections, gaveWay: rc.metrics.gaveWay, ofShare: rc.metrics.ofShare,
		shareUsed: func(client netip.Addr) {
			if rc.recorder.shares.Allow() {
				rc.recorder.log.Warn("a client uses its half of limits.max_connections: "+proxyHint, zap.Stringer("client", client))
			}
		},
	}
}

func (rc *Receiver) server() *http.Server {
	return &http.Server{
		Handler:           rc.Handler(),
		ReadHeaderTimeout: rc.config.ReadHeaderTimeout,
		ReadTimeout:       rc.config.ReadTimeout,
		WriteTimeout:      rc.config.ReadTimeout + writeMargin,
		IdleTimeout:       rc.config.IdleTimeout,
		MaxHeaderBytes:    rc.config.MaxHeaderBytes,
		ErrorLog:          stdlog.New(connectionLog{rc.recorder.strangers, rc.recorder.log}, "", 0),
	}
}

// writeMargin is the time beyond the source's deadline in which a slow sender can read the answer of some hundred bytes.
const writeMargin = 5 * time.Second

// connectionLog logs the messages of net/http about failed connections, such as a failed TLS handshake. It limits them,
// because strangers can cause them.
type connectionLog struct {
	strangers *rate.Limiter
	log       *zap.Logger
}

// Write always succeeds.
func (l connectionLog) Write(text []byte) (int, error) {
	if l.strangers.Allow() {
		l.log.Warn("connection failed", zap.String("error", clip(strings.TrimSpace(string(text)), 512)))
	}
	return len(text), nil
}
