package system

import (
	"context"
	"fmt"
	"net"
	"strings"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// Proxy is the network between all processes and one broker node.
type Proxy struct {
	proxy *toxiproxy.Proxy
}

// newProxy opens a proxy on a free port of the loopback interface.
func newProxy(upstream string) (*Proxy, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := &Proxy{toxiproxy.NewProxy(server, "broker", "127.0.0.1:0", upstream)}
	return p, p.proxy.Start()
}

// Address is where the proxy listens; it stays the same.
func (p *Proxy) Address() string { return p.proxy.Listen }

// Port is the port of Address.
func (p *Proxy) Port() string {
	_, port, _ := net.SplitHostPort(p.Address())
	return port
}

// Cut closes every connection and refuses new ones until Join.
func (p *Proxy) Cut() { p.proxy.Stop() }

// Join ends a Cut.
func (p *Proxy) Join() error { return p.proxy.Start() }

// Swallow lets everything that is sent vanish, in both directions, while connections stay open and new ones are taken:
// half-open connections. Heal ends it, and closes them.
func (p *Proxy) Swallow() error { return p.poison("timeout", `{"timeout":0}`) }

// Delay holds everything up for milliseconds in each direction, until Heal.
func (p *Proxy) Delay(milliseconds int) error {
	return p.poison("latency", fmt.Sprintf(`{"latency":%d}`, milliseconds))
}

// poison adds a toxic, as toxiproxy calls it, in both directions.
func (p *Proxy) poison(kind, attributes string) error {
	for _, direction := range []string{"upstream", "downstream"} {
		text := fmt.Sprintf(`{"type":%q,"stream":%q,"attributes":%s}`, kind, direction, attributes)
		if _, err := p.proxy.Toxics.AddToxicJson(strings.NewReader(text)); err != nil {
			return fmt.Errorf("toxiproxy: %s: %w", kind, err)
		}
	}
	return nil
}

// Heal takes away what Swallow and Delay do.
func (p *Proxy) Heal(ctx context.Context) { p.proxy.Toxics.ResetToxics(ctx) }
