package rabbitnode

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"
)

// startTime is the longest start of a broker on a busy machine.
const startTime = 3 * time.Minute

// shared returns the broker that all tests of this binary share. It ends with the process.
var shared = sync.OnceValues(func() (*Broker, error) {
	if b := (&Broker{URL: os.Getenv(EnvAMQP), API: os.Getenv(EnvAPI)}); b.URL != "" && b.API != "" {
		return b, nil
	}
	dir, err := os.MkdirTemp("", "rabbitnode-") // the end of the process removes it
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	node, err := Run(ctx, Options{Dir: dir, Temporary: true})
	if err != nil {
		return nil, err
	}
	return node.Broker(), nil
})

// URL adds a virtual host and returns its amqp URL. The end of the test deletes it with everything in it.
func URL(tb testing.TB) string {
	tb.Helper()
	broker, err := shared()
	if err != nil {
		tb.Fatal(err)
	}
	url, name, err := broker.AddVhost(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := broker.DeleteVhost(ctx, name); err != nil {
			tb.Logf("virtual host not deleted: %v", err)
		}
	})
	return url
}

// Shared returns the broker of the virtual hosts of URL.
func Shared(tb testing.TB) *Broker {
	tb.Helper()
	broker, err := shared()
	if err != nil {
		tb.Fatal(err)
	}
	return broker
}

// Start starts a node for one test, which may stop it, kill it and start it again. It ends with the test. Start adds lines to
// its rabbitmq.conf.
func Start(tb testing.TB, lines ...string) *Node {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), startTime)
	defer cancel()
	node, err := Run(ctx, Options{Dir: tb.TempDir(), Lines: lines})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := node.Remove(); err != nil {
			tb.Log(err)
		}
	})
	return node
}
