package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// repeatTime is the time after the first signal in which another one is the same wish. `timeout` sends SIGTERM to the process and then to
// its group, and a supervisor may do so, too.
const repeatTime = time.Second

// stopOnSignal returns a context that ends with the first SIGINT or SIGTERM. A signal later than repeatTime after it ends the process at
// once.
func stopOnSignal() context.Context {
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	releaseLater(ctx, release)
	return ctx
}

// releaseLater calls release a while after the end of ctx. Signals end the process from then on.
func releaseLater(ctx context.Context, release func()) {
	context.AfterFunc(ctx, func() { time.AfterFunc(repeatTime, release) })
}
