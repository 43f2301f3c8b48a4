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
		host, port, _ := net.SplitHostPort(c.Listen)
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			host = "localhost"
		}
		scheme := "http://"
		if c.TLS != nil {
			scheme = "https://"
		}
		base = scheme + net.JoinHostPort(host, port)
	}
	if u, err := url.Parse(base); err == nil && strings.Trim(u.Path, "/") != "" {
		return base
	}
	return strings.TrimRight(base, "/") + receiver.PathPrefix + source
}
