package app

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/receiver"
)

// WebhookURL returns the URL for the source's webhooks. A base with a path is that URL; a base without a path gets the
// source's path. An empty base stands for this machine and the configured port.
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

// HealthURL returns the URL of the readiness check of the private listener at address.
func HealthURL(address string) string { return privateURL(address, ReadyPath) }

// nextPorts is the number of ports from which processes on one machine with one configuration choose their private and console listeners.
const nextPorts = 10

// NextAddresses returns the addresses that a process tries in turn for its private listener, or its console: the configured one, and the following
// ports of the same host. Port 0, which is any free port, is alone.
func NextAddresses(configured string) []string {
	addresses := []string{configured}
	host, port, err := net.SplitHostPort(configured)
	first, parseErr := strconv.Atoi(port)
	if err != nil || parseErr != nil || first == 0 {
		return addresses
	}
	for next := first + 1; next < min(first+nextPorts, 1<<16); next++ {
		addresses = append(addresses, net.JoinHostPort(host, strconv.Itoa(next)))
	}
	return addresses
}

// privateURL returns the URL of a path of the private listener at address, which may be a URL without a path, too.
func privateURL(address, path string) string {
	if strings.Contains(address, "://") {
		return strings.TrimRight(address, "/") + path
	}
	return "http://" + here(address) + path
}

// here returns the address by which this machine reaches a listener.
func here(address string) string {
	host, port, _ := net.SplitHostPort(address)
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
