package system

import (
	"context"
	"fmt"
	"net"
	"strings"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// Proxy is the network between all processes and one RabbitMQ node.
type Proxy struct {
	proxy *toxiproxy.Proxy
}

// newProxy opens a proxy on a free port of the loopback interface.
func newProxy(upstream string) (*Proxy, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := &Proxy{toxiproxy.NewProxy(server, "broker", "127.0.0.1:0", upstream)}
	return p, p.proxy.Start()
}

// Address returns the proxy's address, which stays the same.
func (p *Proxy) Address() string { return p.proxy.Listen }

// Port returns the port of Address.
func (p *Proxy) Port() string {
	_, port, _ := net.SplitHostPort(p.Address())
	return port
}

// Cut closes all connections and refuses new ones until Join.
func (p *Proxy) Cut() { p.proxy.Stop() }

// Join ends a Cut.
func (p *Proxy) Join() error { return p.proxy.Start() }

// Swallow discards all data in both directions, but leaves connections open and accepts new ones:
// half-open connections. Heal ends it and closes them.
func (p *Proxy) Swallow() error { return p.poison("timeout", `{"timeout":0}`) }

// Delay delays data by milliseconds in each direction, until Heal.
func (p *Proxy) Delay(milliseconds int) error {
	return p.poison("latency", fmt.Sprintf(`{"latency":%d}`, milliseconds))
}

// poison adds a toxic of toxiproxy in both directions.
func (p *Proxy) poison(kind, attributes string) error {
	for _, direction := range []string{"upstream", "downstream"} {
		text := fmt.Sprintf(`{"type":%q,"stream":%q,"attributes":%s}`, kind, direction, attributes)
		if _, err := p.proxy.Toxics.AddToxicJson(strings.NewReader(text)); err != nil {
			return fmt.Errorf("toxiproxy: %s: %w", kind, err)
		}
	}
	return nil
}

// Heal ends Swallow and Delay.
func (p *Proxy) Heal(ctx context.Context) { p.proxy.Toxics.ResetToxics(ctx) }
