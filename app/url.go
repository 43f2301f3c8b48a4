package app

import (
	"net"
	"net/url"
	"strings"

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/receiver"
)

// WebhookURL is where the source's webhooks are taken: below base if it has no path, at base if it has one, and
// without a base on this machine at the configured port.
func WebhookURL(c *config.Config, source, base string) string {
	if base == "" {
		scheme := "http://"
		if c.TLS.Certificate != nil {
			scheme = "https://"
		}
		base = scheme + here(c.Listen)
	}
	if u, err := url.Parse(base); err == nil && strings.Trim(u.Path, "/") != "" {
		return base
	}
	return strings.TrimRight(base, "/") + receiver.PathPrefix + source
}

// HealthURL is where the private listener at address says whether it is ready.
func HealthURL(address string) string { return "http://" + here(address) + ReadyPath }

// here is how a listener's address is called from this machine.
func here(address string) string {
	host, port, _ := net.SplitHostPort(address)
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
