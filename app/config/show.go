package config

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// YAML returns the configuration in force, defaults filled in and secrets hidden, with the file's name on the first line.
func (c *Config) YAML() ([]byte, error) {
	shown := *c
	if c.Broker.Embedded() {
		shown.Spool = Spool{}
	}
	text, err := yaml.Dump(shown)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return append([]byte("# in force, from "+c.doc.file+"\n"), text...), nil
}

// Show returns the same as YAML, for JSON.
func (c *Config) Show() (map[string]any, error) {
	text, err := c.YAML()
	if err != nil {
		return nil, err
	}
	shown := map[string]any{}
	if err := yaml.Load(text, &shown); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	shown["file"] = c.doc.file
	return shown, nil
}

// IsZero tells that there is no certificate.
func (t TLS) IsZero() bool { return t.Certificate == nil }

// MarshalYAML shows the names of the certificate and its end.
func (t TLS) MarshalYAML() (any, error) {
	leaf := t.Certificate.Leaf
	return fmt.Sprintf("%s until %s", strings.Join(leaf.DNSNames, ", "), leaf.NotAfter.Format(time.RFC3339)), nil
}

// MarshalYAML shows the URLs without their passwords.
func (b Broker) MarshalYAML() (any, error) {
	shown := make([]string, len(b.URL))
	for i, address := range b.URL {
		shown[i] = redacted(address)
	}
	return shown, nil
}

// String returns the URLs without their passwords.
func (b Broker) String() string {
	shown, _ := b.MarshalYAML()
	return fmt.Sprint(shown)
}

// redacted is an address without its password.
func redacted(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return strings.SplitN(address, ":", 2)[0] + ":(unreadable)"
	}
	return u.Redacted()
}

// MarshalYAML shows both bounds in one line.
func (s Spool) MarshalYAML() (any, error) {
	return fmt.Sprintf("at most %d bytes, until the oldest event is %s old", s.MaxBytes, s.MaxAge), nil
}

// MarshalYAML shows the routing key and the times.
func (s Schedule) MarshalYAML() (any, error) {
	return fmt.Sprintf("%s.%s at %s %s", s.name, s.Action, s.Cron, s.Zone), nil
}

// MarshalYAML shows the routes by name.
func (r Routes) MarshalYAML() (any, error) {
	shown := make(map[string]any, len(r))
	for _, route := range r {
		if shown[route.Name] = route; route.External {
			shown[route.Name] = ExternalRoute{External: true, Match: route.Match}
		}
	}
	return shown, nil
}
