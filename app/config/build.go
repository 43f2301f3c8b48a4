package config

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/receiver"
	"github.com/hookline/hookline/schedule"
	"github.com/hookline/hookline/worker"
)

// builder turns a document that the schema allows into a Config, and notes what only the packages concerned can tell.
type builder struct {
	*document
	make      MakeKinds
	kinds     Kinds // of the institutions, which are read first
	redactKey string
}

// file is the top of hookline.yml. Sources and routes stay nodes: they are decoded over presets and defaults.
type file struct {
	Listen        string        `yaml:"listen"`
	PrivateListen string        `yaml:"private_listen"`
	PublicURL     string        `yaml:"public_url"`
	TLS           tlsFile       `yaml:"tls"`
	Trusted       oneOrMore     `yaml:"trusted_proxies"`
	Data          string        `yaml:"data"`
	Grace         time.Duration `yaml:"grace"`
	Duplicates    time.Duration `yaml:"duplicates"`
	Pprof         bool          `yaml:"pprof"`
	Broker        brokerFile    `yaml:"broker"`
	Spool         Spool         `yaml:"spool"`
	Limits        Limits        `yaml:"limits"`
	RedactKey     string        `yaml:"redact_key"`
	Alma          yaml.Node     `yaml:"alma"`
	Sources       yaml.Node     `yaml:"sources"`
	Routes        yaml.Node     `yaml:"routes"`
}

type brokerFile struct {
	URL        oneOrMore `yaml:"url"`
	CA         string    `yaml:"ca"`
	Cert       string    `yaml:"cert"`
	Key        string    `yaml:"key"`
	ServerName string    `yaml:"server_name"`
	MaxBytes   int64     `yaml:"max_bytes"`
}

// oneOrMore is a list that may be written as its only item.
type oneOrMore []string

// UnmarshalYAML takes a scalar or a sequence of them.
func (o *oneOrMore) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*o = []string{node.Value}
		return nil
	}
	return node.Decode((*[]string)(o))
}

func (b *builder) build() *Config {
	f := file{
		Listen: ":8080", PrivateListen: DefaultPrivateListen, Data: "data", Grace: worker.DefaultGrace, Duplicates: 2 * time.Hour,
		Broker: brokerFile{URL: []string{"embedded"}, MaxBytes: 4 << 30},
		Spool:  Spool{MaxBytes: 1 << 30, MaxAge: 72 * time.Hour},
	}
	b.decode(b.root, nil, &f)
	b.redactKey = f.RedactKey
	c := &Config{
		Listen: f.Listen, PrivateListen: f.PrivateListen, PublicURL: f.PublicURL, Data: f.Data, Grace: f.Grace, Duplicates: f.Duplicates, Pprof: f.Pprof,
		TLS: b.certificate(f.TLS), TrustedProxies: b.networks("trusted_proxies", f.Trusted),
		Limits: f.Limits, Broker: b.broker(f.Broker), Spool: f.Spool, Sources: map[string]Source{}, Schedules: map[string]schedule.Source{}, doc: b.document,
	}
	b.address("listen", f.Listen)
	b.address("private_listen", f.PrivateListen)
	if f.Listen == f.PrivateListen && !strings.HasSuffix(f.Listen, ":0") {
		b.blame([]string{"private_listen"}, errors.New("is the same as listen; it needs an address of its own, which strangers cannot reach"))
	}
	b.blame([]string{"public_url"}, receiver.CheckPublicURL(f.PublicURL))
	if f.Data == "" {
		b.blame([]string{"data"}, errors.New("is empty; write the folder for everything that must last"))
	}
	if f.Spool.MaxAge <= 0 {
		b.blame([]string{"spool", "max_age"}, errors.New("must be more than 0; leave it out for 72h"))
	}
	for name, node := range pairs(&f.Sources) {
		if scheduled(node) {
			c.Schedules[name] = b.schedule(name, node)
			continue
		}
		c.Sources[name] = b.source(name, node)
		if written := child(node, "max_body"); written != nil && !c.Broker.Embedded() && c.Sources[name].MaxBody > broker.MaxBody {
			b.blame([]string{"sources", name, "max_body"}, fmt.Errorf("is more than the %d bytes that RabbitMQ takes; lower it, or leave it out", broker.MaxBody))
		}
		b.fits(name, c.Sources[name].MaxBody, f.Limits.MaxMemory)
	}
	c.Alma = b.institutions(&f.Alma)
	b.kinds = b.make(c.Alma)
	for name, node := range pairs(&f.Routes) {
		c.Routes = append(c.Routes, b.route(name, node))
	}
	return c
}

// blame notes err, if it is one, at path; joined errors on one line. Nothing is noted of what holds a thing that is known to be wrong:
// that may be all there is to it.
func (b builder) blame(path []string, err error) {
	if err == nil || b.wrong(path...) {
		return
	}
	b.note(b.at(path, "%s", joint.ReplaceAllString(err.Error(), "; $1")))
}

// joint is where errors.Join put two texts together; further lines of one text, which show a place in an expression, are
// indented.
var joint = regexp.MustCompile(`\n(\S)`)

// split takes joined errors apart.
func split(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // only what errors.Join made, not what it wraps
		return joined.Unwrap()
	}
	return []error{err}
}

// decode is strict; the schema has seen unknown keys before, so what is left are values that do not fit their type.
func (b builder) decode(node *yaml.Node, path []string, into any) {
	err := node.Load(into, yaml.WithKnownFields())
	var several *yaml.LoadErrors
	if !errors.As(err, &several) {
		b.blame(path, err)
		return
	}
	for _, one := range several.Errors {
		b.note(Problem{File: b.file, Line: one.Mark.Line, Column: one.Mark.Column, Path: pathText(path), Message: one.Message})
	}
}

func (b builder) address(key, address string) {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		b.blame([]string{key}, fmt.Errorf("%q is no address such as :8080 or 127.0.0.1:9090", address))
	}
}

func (b builder) broker(f brokerFile) Broker {
	out := Broker{CA: f.CA, Cert: f.Cert, Key: f.Key, ServerName: f.ServerName, MaxBytes: f.MaxBytes}
	if _, err := out.TLS(); err != nil {
		b.blame([]string{"broker"}, err)
	}
	if slices.Equal(f.URL, []string{"embedded"}) {
		return out
	}
	for _, text := range f.URL {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "amqp" && u.Scheme != "amqps" || u.Host == "" {
			b.blame([]string{"broker", "url"}, errors.New("is neither embedded nor an address such as amqp://user:password@host:5672/ (or a list of such); percent-encode special characters in the password"))
			return out
		}
	}
	out.URLs = f.URL
	return out
}

// TLS makes the client configuration for amqps addresses; nil where nothing is set beside the defaults.
func (b Broker) TLS() (*tls.Config, error) {
	if b.CA == "" && b.Cert == "" && b.Key == "" && b.ServerName == "" {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: b.ServerName}
	if b.CA != "" {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM([]byte(b.CA)) {
			return nil, errors.New("ca holds no PEM certificate")
		}
	}
	if b.Cert != "" || b.Key != "" {
		pair, err := tls.X509KeyPair([]byte(b.Cert), []byte(b.Key))
		if err != nil {
			return nil, fmt.Errorf("cert and key: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// fits notes a source whose largest body would never be read.
func (b builder) fits(source string, maxBody, maxMemory int64) {
	if maxMemory > 0 && maxBody > maxMemory {
		b.blame([]string{"limits", "max_memory"}, fmt.Errorf("is less than the largest body of source %s; raise it, or lower the source's max_body", source))
	}
}

// sourceHead is what a source has beside the receiver's own keys.
type sourceHead struct {
	Preset  string      `yaml:"preset"`
	Secrets secretsFile `yaml:"secrets"`
	Redact  *redactFile `yaml:"redact"`
}

func (b builder) source(name string, node *yaml.Node) Source {
	path := []string{"sources", name}
	var head sourceHead
	b.blame(path, node.Decode(&head))
	src, ok := receiver.Preset(head.Preset)
	b.blame(path, node.Decode(&src))
	src.Secrets, src.Redact = head.Secrets, b.redactor(path, head.Redact)
	if len(src.Secrets) == 0 && !b.wrong("sources", name, "secrets") && !b.wrong("sources", name, "secrets"+fileSuffix) {
		b.note(b.at(path, "secrets is missing: without one nothing can be verified, so nothing would be accepted"))
	}
	if head.Preset != "" && !ok {
		b.blame(append(path, "preset"), fmt.Errorf("no preset %q; there are %v", head.Preset, signature.Presets()))
		return Source{}
	}
	for _, err := range split(src.Check(name)) {
		var field *receiver.FieldError
		if errors.As(err, &field) {
			b.blame(slices.DeleteFunc([]string{"sources", name, field.Field}, func(step string) bool { return step == "" }), field.Err)
		}
	}
	src.Deadline, src.MaxBody = cmp.Or(src.Deadline, receiver.DefaultDeadline), cmp.Or(src.MaxBody, receiver.DefaultMaxBody)
	src.WhenDown = cmp.Or(src.WhenDown, receiver.Spool)
	return Source{head.Preset, src}
}

// routeFile is a route as it is written.
type routeFile struct {
	Match       oneOrMore     `yaml:"match"`
	Where       string        `yaml:"where"`
	Enrich      yaml.Node     `yaml:"enrich"`
	Redact      *redactFile   `yaml:"redact"`
	Handler     yaml.Node     `yaml:"handler"`
	Concurrency int           `yaml:"concurrency"`
	Timeout     time.Duration `yaml:"timeout"`
	Retry       worker.Retry  `yaml:"retry"`
	Pause       worker.Pause  `yaml:"pause"`
}

func (b builder) route(name string, node *yaml.Node) worker.Route {
	path := []string{"routes", name}
	usual := worker.Defaults()
	f := routeFile{Concurrency: usual.Concurrency, Timeout: usual.Timeout, Retry: usual.Retry, Pause: usual.Pause}
	b.decode(node, path, &f)
	r := worker.Route{Route: broker.Route{Name: name, Match: f.Match, Concurrency: f.Concurrency}, Timeout: f.Timeout, Retry: f.Retry, Pause: f.Pause}
	if f.Where != "" {
		filter, err := worker.NewFilter(f.Where)
		b.blame(append(path, "where"), err)
		r.Where = filter
	}
	var kind struct {
		Kind string `yaml:"kind"`
	}
	b.blame(append(path, "handler"), f.Handler.Decode(&kind))
	h, err := b.kinds.Handlers.New(kind.Kind, func(into any) error { return withoutKind(&f.Handler).Load(into, yaml.WithKnownFields()) })
	b.blame(append(path, "handler"), err)
	h = b.enrich(path, &f.Enrich, b.redacted(path, f.Redact, h))
	r.Handler = h
	for _, err := range split(r.Check()) {
		var field *worker.FieldError
		if !errors.As(err, &field) || field.Field == "match" && b.misnamed(path) { // of which match speaks, too
			continue
		}
		b.blame(append(path, strings.Split(field.Field, ".")...), field.Err)
	}
	return r
}

// withoutKind is the handler's part without the key that chose it, since a handler's Config does not have it.
func withoutKind(node *yaml.Node) *yaml.Node {
	node = target(node)
	rest := *node
	rest.Content = nil
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value != "kind" {
			rest.Content = append(rest.Content, node.Content[i], node.Content[i+1])
		}
	}
	return &rest
}
