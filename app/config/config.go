// Package config reads hookline.yml: strictly, all errors at once, each with its file, line, key and the remedy.
package config

import (
	"crypto/tls"
	_ "embed" // default.yml
	"path/filepath"
	"slices"
	"time"

	"github.com/hookline/hookline/alma"
	"github.com/hookline/hookline/alma/enrich"
	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/console"
	"github.com/hookline/hookline/expect"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/jsonbody"
	"github.com/hookline/hookline/pkg/privacy"
	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/receiver"
	"github.com/hookline/hookline/schedule"
	"github.com/hookline/hookline/worker"
)

// Config is a whole configuration, checked. The fields with a yaml tag are the keys of hookline.yml; the schema and the reference are made of
// them. The other fields are made of those.
type Config struct {
	// Listen is the address of the public listener, which takes webhooks only.
	Listen string `yaml:"listen"`
	// PrivateListen is the address of the listener for metrics and health; never for strangers.
	PrivateListen string `yaml:"private_listen"`
	// PublicURL is the address at which senders reach the public listener, for schemes that sign the URL. Default: https and the request's
	// own host.
	PublicURL string `yaml:"public_url,omitempty"`
	// TLS is the certificate of the public listener, which then speaks HTTPS. Changed files are read without a restart.
	TLS TLS `yaml:"tls,omitempty"`
	// TrustedProxies lists the proxies you trust, as networks or addresses: they may name the client in X-Forwarded-For or X-Real-IP.
	TrustedProxies Networks `yaml:"trusted_proxies,omitempty,flow"`
	// Data is the folder for everything that must last on this machine.
	Data string `yaml:"data"`
	// Grace is how long running work may take after a stop.
	Grace time.Duration `yaml:"grace"`
	// Duplicates is how long a repeat of a stored event, with the same source, action and ID, is answered 200 without new work; 0: never.
	Duplicates time.Duration `yaml:"duplicates" schema:"zero"`
	// Pprof serves Go profiles on the private listener.
	Pprof bool `yaml:"pprof"`
	// Broker keeps the events between receivers and workers.
	Broker Broker `yaml:"broker"`
	// Spool bounds the events that a receiver keeps in data/spool while RabbitMQ cannot store them. The embedded broker does not use it.
	Spool Spool `yaml:"spool,omitempty"`
	// Journal keeps the history of each event, for people.
	Journal Journal `yaml:"journal"`
	// Console is the pages and the JSON API for people, in `hookline run` and `hookline console`.
	Console console.Config `yaml:"console"`
	// Limits bounds the resources that strangers can take.
	Limits receiver.Limits `yaml:"limits"`
	// RedactKey is the key of the pseudonyms that redact makes: 32 characters at least, the same for all receivers and workers, so that a
	// person has one pseudonym.
	RedactKey setting.Secret `yaml:"redact_key,omitempty" schema:"minLength=32"`
	// Alma holds the institutions of Ex Libris Alma, by name: notify, enrich, reconcile and `hookline doctor alma` ask their API.
	Alma map[string]alma.Config `yaml:"alma,omitempty" schema:"minProperties=1; names=63"`
	// Sources are the senders of events, by name: a sender sends to /webhooks/NAME.
	Sources map[string]Source `yaml:"sources" schema:"required; minProperties=1; names=63"`
	// Routes are the queues of events with their handlers, by name: a queue is hookline.work.NAME.
	Routes Routes `yaml:"routes" schema:"required; minProperties=1; names=100"`

	// Schedules are the sources that the clock drives, by name; the file has them under sources.
	Schedules map[string]Schedule `yaml:"schedules,omitempty" schema:"-"`

	// CheckedSources are Sources, ready for a receiver.
	CheckedSources receiver.Sources `yaml:"-"`
	// CheckedSchedules are Schedules, ready for an emitter.
	CheckedSchedules schedule.Sources `yaml:"-"`
	// Decoding is the budget that the routes' handlers share.
	Decoding *jsonbody.Budget `yaml:"-"`

	doc *document
}

// Defaults returns the configuration of an empty file: no source and no route.
func Defaults() Config {
	return Config{
		Listen: ":8080", PrivateListen: "127.0.0.1:9090", Data: "data", Grace: worker.DefaultGrace, Duplicates: 2 * time.Hour,
		Broker:  Broker{URL: setting.List{embedded}, MaxBytes: 4 << 30},
		Spool:   Spool{MaxBytes: 1 << 30, MaxAge: 72 * time.Hour},
		Journal: Journal{Keep: 30 * 24 * time.Hour, MaxBytes: 2 << 30},
		Console: console.DefaultConfig(),
		Limits:  receiver.DefaultLimits(),
	}
}

// DataFolder returns Data as an absolute path. A relative Data is below the folder in which the process was started.
func (c *Config) DataFolder() string {
	if whole, err := filepath.Abs(c.Data); err == nil {
		return whole
	}
	return c.Data
}

// TLS is a certificate and its key.
type TLS struct {
	// Cert is the PEM certificate, with its intermediates.
	Cert string `yaml:"cert" schema:"required"`
	// Key is the certificate's PEM key.
	Key setting.Secret `yaml:"key" schema:"required"`
	// Certificate is made of both; nil without them.
	Certificate *tls.Certificate `yaml:"-"`
}

// embedded is the Broker.URL of the broker inside the binary.
const embedded = "embedded"

// Broker is the broker inside the binary, or RabbitMQ.
type Broker struct {
	// URL is embedded, or amqp://user:password@host:5672/vhost, amqps://..., or a list of such URLs for the nodes of a cluster.
	URL setting.List `yaml:"url" schema:"minItems=1"`
	// CA are PEM certificates that verify RabbitMQ's certificate. Default: the system's.
	CA string `yaml:"ca"`
	// Cert is a PEM client certificate.
	Cert string `yaml:"cert"`
	// Key is the PEM key of the client certificate.
	Key setting.Secret `yaml:"key"`
	// ServerName is the name in RabbitMQ's certificate. Default: the URL's host.
	ServerName string `yaml:"server_name"`
	// Management is the URL of RabbitMQ's management API, http://user:password@host:15672: with it the audit sees queues that no
	// configuration declares, and queues that can lose events. The user needs the tag monitoring. Default: none.
	Management setting.Secret `yaml:"management,omitempty"`
	// MaxBytes is the largest size of the embedded broker's database in bytes.
	MaxBytes int64 `yaml:"max_bytes" schema:"minimum=1048576"`
	// TLS is made of ca, cert, key and server_name; nil without them.
	TLS *tls.Config `yaml:"-"`
}

// Embedded tells that the broker is inside the binary.
func (b Broker) Embedded() bool { return slices.Equal(b.URL, setting.List{embedded}) }

// Spool bounds the events that a receiver keeps while RabbitMQ cannot store them.
type Spool struct {
	// MaxBytes is the largest size of the spool's database in bytes; more events are answered 503.
	MaxBytes int64 `yaml:"max_bytes" schema:"minimum=1048576"`
	// MaxAge is how long the oldest event may wait before more events are answered 503.
	MaxAge time.Duration `yaml:"max_age"`
}

// Journal is the history of events and attempts that people look at. Off, nothing of it is made; events are stored and handled all the same.
type Journal struct {
	// Enabled turns the journal on: receivers and workers hand their records on, and the process with the console keeps them in data/journal.
	Enabled bool `yaml:"enabled"`
	// Keep is how long an event stays in the journal after its receipt.
	Keep time.Duration `yaml:"keep"`
	// MaxBytes is the largest size of the journal's database in bytes; the oldest events leave it first.
	MaxBytes int64 `yaml:"max_bytes" schema:"minimum=16777216"`
}

// SourceJournal limits the part of a source in the journal.
type SourceJournal struct {
	// Bodies keeps the bodies of the events; without them the journal has metadata, headers and attempts only.
	Bodies bool `yaml:"bodies" schema:"default=true"`
	// Keep is how long an event of the source stays in the journal. Default: keep of the journal.
	Keep time.Duration `yaml:"keep,omitempty"`
}

// Source is a sender of webhooks.
type Source struct {
	// Kind is webhook: it sends to /webhooks/NAME. A source of kind schedule has other keys.
	Kind string `yaml:"kind,omitempty" schema:"enum=webhook|schedule; default=webhook"`
	// Preset names a known sender: it sets the other keys, except for the secrets; each can be overridden.
	Preset          string `yaml:"preset,omitempty" schema:"presets"`
	receiver.Source `yaml:",inline"`
	// Journal limits the part of the source in the journal.
	Journal SourceJournal `yaml:"journal,omitempty"`

	// Path and Scheme are for `config show`.
	Path   string `yaml:"path" schema:"-"`
	Scheme string `yaml:"scheme" schema:"-"`
}

// Schedule is a source that the clock drives.
type Schedule struct {
	// Kind is schedule.
	Kind            string `yaml:"kind" schema:"required; const=schedule"`
	schedule.Source `yaml:",inline"`

	name string
}

// Route is a queue, and the work on its events.
type Route struct {
	worker.Route `yaml:",inline"`
	// Enrich adds a document of Alma's API to the event, under "enriched", before the handler gets it.
	Enrich *enrich.Config `yaml:"enrich,omitempty"`
	// Redact takes personal data out of each event before the handler gets it.
	Redact *privacy.Config `yaml:"redact,omitempty"`
	// Expect says that an event should come regularly, and alerts when it does not; it needs the journal. An event that where leaves out does
	// not count.
	Expect *expect.Config `yaml:"expect,omitempty"`
	// HandlerPart is the handler that does the work. A custom build may know more kinds.
	HandlerPart HandlerPart `yaml:"handler" schema:"required"`
	// Plain is the handler without enrich and redact, or nil if its keys have a problem that ReadBroker ignored.
	Plain handler.Handler `yaml:"-"`
}

// ExternalRoute is a route whose queue a program of yours consumes, on RabbitMQ.
type ExternalRoute struct {
	// External is true.
	External bool `yaml:"external" schema:"required"`
	// Match are topic patterns, as of other routes.
	Match setting.List `yaml:"match,flow" schema:"required; minItems=1"`
}

// Routes are routes in the order of the file.
type Routes []Route

// Worker returns the routes that workers consume.
func (r Routes) Worker() (routes []worker.Route) {
	for i := range r {
		if !r[i].External {
			routes = append(routes, r[i].Route)
		}
	}
	return routes
}

// Broker returns all routes as a broker takes them.
func (r Routes) Broker() []broker.Route {
	routes := make([]broker.Route, len(r))
	for i := range r {
		routes[i] = r[i].Route.Route
	}
	return routes
}

// Env looks an environment variable up, as os.LookupEnv does.
type Env func(name string) (string, bool)

// DefaultName stands for the configuration inside the binary where a file's name is shown.
const DefaultName = "(built-in)"

//go:embed default.yml
var defaultText []byte

// DefaultText returns the configuration that applies without a file.
func DefaultText() []byte { return append([]byte(nil), defaultText...) }

// check makes a Config of text; file is for messages, and the folder where *_file values are looked for. It adds to read the content of the
// files that text names. An ignored problem is no error.
func check(file string, text []byte, env Env, kinds MakeKinds, read contents, ignored func(Problem) bool) (*Config, error) {
	doc, err := parse(file, text)
	if err != nil {
		return nil, err
	}
	doc.expand(env, read)
	doc.merge()
	if err := doc.validate(); err != nil {
		return nil, err
	}
	c := (&builder{document: doc, make: kinds}).build()
	doc.problems = slices.DeleteFunc(doc.problems, ignored)
	if err := doc.err(); err != nil {
		return nil, err
	}
	return c, nil
}
