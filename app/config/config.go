// Package config reads hookline.yml: strictly, all errors at once, each with its file, line, key and what would be right.
package config

import (
	"crypto/tls"
	_ "embed" // default.yml
	"net/netip"
	"slices"
	"time"

	"github.com/hookline/hookline/alma"
	"github.com/hookline/hookline/receiver"
	"github.com/hookline/hookline/schedule"
	"github.com/hookline/hookline/worker"
)

// Config is a whole configuration, checked: what it holds can be used as it is.
type Config struct {
	// Listen is the address of the public listener, which takes webhooks only.
	Listen string
	// PrivateListen is the address of the listener for metrics and health; never for strangers.
	PrivateListen string
	// PublicURL is how senders see the public listener, for schemes that sign the URL; empty: as the request says.
	PublicURL string
	// TLS is the certificate of the public listener; nil: it speaks plain HTTP.
	TLS *tls.Certificate
	// TrustedProxies are the networks whose word on the client's address is believed; none by default.
	TrustedProxies []netip.Prefix
	// Data is the folder for everything that must last on this machine.
	Data string
	// Grace is how long running work may take after a stop was asked for.
	Grace time.Duration
	// Duplicates is for how long a repeat of a stored event is known; 0: never.
	Duplicates time.Duration
	// Pprof serves net/http/pprof on the private listener.
	Pprof  bool
	Broker Broker
	Spool  Spool
	Limits Limits
	// Alma holds the institutions whose API may be asked, by name.
	Alma map[string]alma.Config
	// Sources by name: those that send to /webhooks/NAME.
	Sources map[string]Source
	// Schedules are the sources that the clock drives, by name. With Sources at least one.
	Schedules map[string]schedule.Source
	// Routes in the order of the file.
	Routes []worker.Route

	doc *document
}

// Source is a receiver's source and the name of the preset it came from.
type Source struct {
	Preset string
	receiver.Source
}

// Broker says where the line is.
type Broker struct {
	// URLs of RabbitMQ nodes, or none for the embedded line.
	URLs []string
	// CA, Cert and Key are PEM texts for TLS to RabbitMQ; empty: the system's CAs, no client certificate.
	CA, Cert, Key string
	// ServerName is checked in the broker's certificate instead of the URL's host.
	ServerName string
	// MaxBytes bounds the embedded line's database.
	MaxBytes int64
}

// Embedded says that the line is inside the binary.
func (b Broker) Embedded() bool { return len(b.URLs) == 0 }

// Spool bounds what a receiver keeps on its disk while RabbitMQ cannot store it. The embedded line has no use for it.
type Spool struct {
	// MaxBytes bounds its database; more is answered 503.
	MaxBytes int64 `yaml:"max_bytes"`
	// MaxAge is how long its oldest event may have waited before more is answered 503.
	MaxAge time.Duration `yaml:"max_age"`
}

// Limits bounds what strangers can take up. Zero values are the receiver's defaults.
type Limits struct {
	MaxConnections    int           `yaml:"max_connections"`
	MaxRequests       int           `yaml:"max_requests"`
	MaxMemory         int64         `yaml:"max_memory"`
	MaxHeaderBytes    int           `yaml:"max_header_bytes"`
	ReadHeaderTimeout time.Duration `yaml:"read_header_timeout"`
	ReadTimeout       time.Duration `yaml:"read_timeout"`
	IdleTimeout       time.Duration `yaml:"idle_timeout"`
}

// Env looks an environment variable up, as os.LookupEnv does.
type Env func(name string) (string, bool)

// DefaultPrivateListen is the private listener's address where none is given.
const DefaultPrivateListen = "127.0.0.1:9090"

// DefaultName stands for the configuration inside the binary where a file's name is shown.
const DefaultName = "(built-in)"

//go:embed default.yml
var defaultText []byte

// DefaultText is the configuration that applies when there is no file.
func DefaultText() []byte { return append([]byte(nil), defaultText...) }

// check makes a Config of text; file is for messages, and the folder where *_file values are looked for. It notes in read what the files
// hold that it names. A forgiven problem is none.
func check(file string, text []byte, env Env, kinds MakeKinds, read contents, forgiven func(Problem) bool) (*Config, error) {
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
	doc.problems = slices.DeleteFunc(doc.problems, forgiven)
	if err := doc.err(); err != nil {
		return nil, err
	}
	return c, nil
}
