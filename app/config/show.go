package config

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/hookline/hookline/alma"
	"github.com/hookline/hookline/receiver"
	"github.com/hookline/hookline/schedule"
	"github.com/hookline/hookline/worker"
)

// Shown is a configuration in force as a person or a program may see it: defaults filled in, secrets hidden.
type Shown struct {
	File          string                 `yaml:"-" json:"file"`
	Listen        string                 `yaml:"listen" json:"listen"`
	PrivateListen string                 `yaml:"private_listen" json:"private_listen"`
	PublicURL     string                 `yaml:"public_url,omitempty" json:"public_url,omitempty"`
	TLS           string                 `yaml:"tls,omitempty" json:"tls,omitempty"` // whom the certificate names, and its end
	Trusted       []string               `yaml:"trusted_proxies,omitempty,flow" json:"trusted_proxies,omitempty"`
	Data          string                 `yaml:"data" json:"data"`
	Grace         string                 `yaml:"grace" json:"grace"`
	Duplicates    string                 `yaml:"duplicates" json:"duplicates"`
	Broker        []string               `yaml:"broker" json:"broker"`
	Spool         string                 `yaml:"spool,omitempty" json:"spool,omitempty"`
	Alma          map[string]string      `yaml:"alma,omitempty" json:"alma,omitempty"` // how each institution is asked
	Sources       map[string]ShownSource `yaml:"sources" json:"sources"`
	Schedules     map[string]string      `yaml:"schedules,omitempty" json:"schedules,omitempty"` // when each emits
	Routes        map[string]ShownRoute  `yaml:"routes" json:"routes"`
}

// ShownSource is a source without its secrets.
type ShownSource struct {
	Preset   string   `yaml:"preset,omitempty" json:"preset,omitempty"`
	Secrets  []string `yaml:"secrets" json:"secrets"` // labels, or "(hidden)"
	Path     string   `yaml:"path" json:"path"`
	Scheme   string   `yaml:"scheme" json:"scheme"`
	Deadline string   `yaml:"deadline" json:"deadline"`
	MaxBody  int64    `yaml:"max_body" json:"max_body"`
	Rate     string   `yaml:"rate,omitempty" json:"rate,omitempty"`
	WhenDown string   `yaml:"when_down" json:"when_down"`
	Redact   string   `yaml:"redact,omitempty" json:"redact,omitempty"` // what is taken out of its events
}

// ShownRoute is a route without what its handler may hold of secrets.
type ShownRoute struct {
	Match       []string `yaml:"match" json:"match"`
	Where       string   `yaml:"where,omitempty" json:"where,omitempty"`
	Enrich      string   `yaml:"enrich,omitempty" json:"enrich,omitempty"` // what is read first
	Redact      string   `yaml:"redact,omitempty" json:"redact,omitempty"` // what its handler does not see
	Handler     string   `yaml:"handler" json:"handler"`                   // its kind
	Concurrency int      `yaml:"concurrency" json:"concurrency"`
	Timeout     string   `yaml:"timeout" json:"timeout"`
	Retry       string   `yaml:"retry" json:"retry"`
	Pause       string   `yaml:"pause,omitempty" json:"pause,omitempty"`
}

// Show is what may be seen of the configuration.
func (c *Config) Show() Shown {
	s := Shown{
		File: c.doc.file, Listen: c.Listen, PrivateListen: c.PrivateListen, PublicURL: c.PublicURL, Data: c.Data, Grace: c.Grace.String(), Duplicates: c.Duplicates.String(),
		Broker: []string{"embedded"}, Sources: map[string]ShownSource{}, Routes: map[string]ShownRoute{},
	}
	if c.TLS != nil {
		s.TLS = fmt.Sprintf("%s until %s", strings.Join(c.TLS.Leaf.DNSNames, ", "), c.TLS.Leaf.NotAfter.Format(time.RFC3339))
	}
	for _, network := range c.TrustedProxies {
		s.Trusted = append(s.Trusted, network.String())
	}
	if !c.Broker.Embedded() {
		s.Broker = nil
		s.Spool = fmt.Sprintf("at most %d bytes, until the oldest event is %s old", c.Spool.MaxBytes, c.Spool.MaxAge)
		for _, address := range c.Broker.URLs {
			s.Broker = append(s.Broker, redacted(address))
		}
	}
	if len(c.Alma) > 0 {
		s.Alma = map[string]string{}
	}
	for name, a := range c.Alma {
		s.Alma[name] = fmt.Sprintf("%s, %g requests a second over %d processes, %d a day left to others",
			cmp.Or(a.Region, a.URL), cmp.Or(a.Rate, alma.DefaultRate), cmp.Or(a.Processes, 1), a.Reserve)
	}
	for name, source := range c.Sources {
		s.Sources[name] = c.showSource(name, source)
	}
	if len(c.Schedules) > 0 {
		s.Schedules = map[string]string{}
	}
	for name, sched := range c.Schedules {
		s.Schedules[name] = fmt.Sprintf("%s.%s at %s %s", name, cmp.Or(sched.Action, schedule.DefaultAction), sched.Cron, cmp.Or(sched.Zone, "UTC"))
	}
	for _, route := range c.Routes {
		s.Routes[route.Name] = c.showRoute(route)
	}
	return s
}

// YAML is Show as text, with where it came from on the first line.
func (c *Config) YAML() ([]byte, error) {
	text, err := yaml.Dump(c.Show())
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return append([]byte("# in force, from "+c.doc.file+"\n"), text...), nil
}

func (c *Config) showSource(name string, s Source) ShownSource {
	shown := ShownSource{
		Preset: s.Preset, Path: receiver.PathPrefix + name, Scheme: string(s.Verify.Kind),
		Deadline: s.Deadline.String(), MaxBody: s.MaxBody, WhenDown: s.WhenDown, Redact: c.showRedact("sources", name),
	}
	if s.Rate.PerSecond > 0 {
		shown.Rate = fmt.Sprintf("%g/s", s.Rate.PerSecond)
	}
	for _, secret := range s.Secrets {
		text := "(hidden)"
		if secret.Label != "" {
			text = secret.Label
		}
		if !secret.NotAfter.IsZero() {
			text += " until " + secret.NotAfter.Format(time.RFC3339)
		}
		shown.Secrets = append(shown.Secrets, text)
	}
	return shown
}

func (c *Config) showRoute(r worker.Route) ShownRoute {
	at := []string{"routes", r.Name}
	shown := ShownRoute{
		Match: r.Match, Handler: c.doc.find(append(at, "handler", "kind")).Value, Concurrency: r.Concurrency, Timeout: r.Timeout.String(), Redact: c.showRedact(at...),
		Retry: fmt.Sprintf("%d attempts, %s to %s apart", r.Retry.Attempts, r.Retry.First, r.Retry.Max),
	}
	if r.Pause.Of > 0 {
		shown.Pause = fmt.Sprintf("when %g of the latest %d events fail, %s to %s", r.Pause.Ratio, r.Pause.Of, r.Pause.First, r.Pause.Max)
	}
	if what := c.doc.find(append(at, "enrich", "what")); what.Kind == yaml.ScalarNode {
		shown.Enrich = what.Value
	}
	if r.Where != nil {
		shown.Where = c.doc.find(append(at, "where")).Value
	}
	return shown
}

// redacted is an address without its password.
func redacted(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return strings.SplitN(address, ":", 2)[0] + ":(unreadable)"
	}
	return u.Redacted()
}
