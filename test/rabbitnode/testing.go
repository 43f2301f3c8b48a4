package rabbitnode

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"
)

// startTime is how long a broker may take to start on a busy machine.
const startTime = 3 * time.Minute

// shared is the broker that all tests of this binary use; it ends with the process.
var shared = sync.OnceValues(func() (*Broker, error) {
	if b := (&Broker{URL: os.Getenv(EnvAMQP), API: os.Getenv(EnvAPI)}); b.URL != "" && b.API != "" {
		return b, nil
	}
	dir, err := os.MkdirTemp("", "rabbitnode-") // not removed: the process's end is the node's end
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

// URL returns the amqp URL of a fresh virtual host, which is deleted with everything in it when the test ends.
func URL(tb testing.TB) string {
	tb.Helper()
	broker, err := shared()
	if err != nil {
		tb.Fatal(err)
	}
	return broker.vhost(tb)
}

// vhost makes a virtual host that lives as long as the test.
func (b *Broker) vhost(tb testing.TB) string {
	tb.Helper()
	url, name, err := b.AddVhost(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := b.DeleteVhost(ctx, name); err != nil {
			tb.Logf("virtual host left behind: %v", err)
		}
	})
	return url
}

// Shared is the broker on which URL makes its virtual hosts.
func Shared(tb testing.TB) *Broker {
	tb.Helper()
	broker, err := shared()
	if err != nil {
		tb.Fatal(err)
	}
	return broker
}

// Start starts a node for this test alone, which may stop it, kill it and start it again. It ends with the test.
// Lines are added to its rabbitmq.conf.
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
