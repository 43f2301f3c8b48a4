package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"go.uber.org/zap"

	"github.com/hookline/hookline/app"
)

// open opens a listener at exactly this address.
func open(key, address string) (net.Listener, error) {
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
	return ln, listenError(key, err)
}

// openPrivate opens the private listener. If another process has the port, such as the receiver on this machine that shares the
// worker's configuration, it opens the next free one of app.NextAddresses.
func openPrivate(address string, log *zap.Logger) (net.Listener, error) {
	ln, used, err := openNext(address)
	if err == nil && used != address {
		log.Warn("another process has the port of private_listen, so metrics and health are at the next free one",
			zap.String("private_listen", address), zap.String("instead", used))
	}
	return ln, listenError("private_listen", err)
}

// openConsole opens the console's listener, in the same way. The console must not keep webhooks waiting: if other processes have all its
// ports, openConsole returns nil, and the process runs without a console.
func openConsole(address string, log *zap.Logger) (net.Listener, error) {
	ln, used, err := openNext(address)
	if errors.Is(err, syscall.EADDRINUSE) {
		log.Error("this process has no console, because other processes have its ports: choose another with console.listen", zap.Error(err))
		return nil, nil //nolint:nilnil // no console
	}
	if err == nil && used != address {
		log.Warn("another process has the port of console.listen, so the console is at the next free one",
			zap.String("console_listen", address), zap.String("instead", used))
	}
	return ln, listenError("console.listen", err)
}

// openNext opens the first free one of app.NextAddresses, and returns which one.
func openNext(address string) (ln net.Listener, used string, err error) {
	addresses := app.NextAddresses(address)
	for _, next := range addresses {
		ln, err = (&net.ListenConfig{}).Listen(context.Background(), "tcp", next)
		if !errors.Is(err, syscall.EADDRINUSE) {
			return ln, next, err
		}
	}
	return nil, "", fmt.Errorf("the ports from %s to %s are in use: %w", addresses[0], addresses[len(addresses)-1], err)
}

// listenError adds the next step to an error of a listener.
func listenError(key string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w (if another process holds the port, choose another with %s in the configuration; without a file, with $HOOKLINE_%s)",
			key, err, key, strings.ToUpper(strings.ReplaceAll(key, ".", "_")))
	}
	return nil
}
