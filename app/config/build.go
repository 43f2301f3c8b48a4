package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/hookline/hookline/alma"
	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/privacy"
	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/receiver"
	"github.com/hookline/hookline/schedule"
	"github.com/hookline/hookline/worker"
)

// builder turns a document that the schema has checked into a Config, and notes the errors that only the owners of the parts can find.
type builder struct {
	*document
	make  MakeKinds
	kinds Kinds // for the institutions, which are read first
}

func (b *builder) build() *Config {
	c := Defaults()
	c.doc, c.Senders, c.Clocks = b.document, receiver.Sources{}, schedule.Sources{}
	c.Alma, c.Sources, c.Schedules = map[string]alma.Config{}, map[string]Source{}, map[string]Schedule{}
	b.decode(without(b.root, "alma", "sources", "routes"), nil, &c)
	b.checkTop(&c)
	for name, node := range pairs(child(b.root, "alma")) {
		c.Alma[name] = b.institution(name, node)
	}
	for name, node := range pairs(child(b.root, "sources")) {
		if kind := child(node, "kind"); kind != nil && kind.Value == "schedule" {
			c.Schedules[name] = b.schedule(&c, name, node)
		} else {
			c.Sources[name] = b.source(&c, name, node)
		}
	}
	b.kinds = b.make(c.Alma)
	for name, node := range pairs(child(b.root, "routes")) {
		c.Routes = append(c.Routes, b.route(&c, name, node))
	}
	return &c
}

// checkTop checks the keys at the top of the file.
func (b *builder) checkTop(c *Config) {
	b.address("listen", c.Listen)
	b.address("private_listen", c.PrivateListen)
	if c.Listen == c.PrivateListen && !strings.HasSuffix(c.Listen, ":0") {
		b.blame([]string{"private_listen"}, errors.New("is the same as listen; it needs an address of its own, which strangers cannot reach"))
	}
	b.blame([]string{"public_url"}, receiver.CheckPublicURL(c.PublicURL))
	if c.Data == "" {
		b.blame([]string{"data"}, errors.New("is empty; write the folder for everything that must last"))
	}
	if c.Spool.MaxAge <= 0 {
		b.blame([]string{"spool", "max_age"}, errors.New("must be more than 0; leave it out for 72h"))
	}
	b.blame([]string{"tls"}, c.TLS.load())
	b.blame([]string{"broker"}, c.Broker.load())
	b.blame([]string{"broker", "url"}, c.Broker.check())
}

// blame notes err, if it is one, at path; joined errors on one line. It notes nothing where a part of path is known to be wrong: that may be
// the only cause.
func (b *builder) blame(path []string, err error) {
	if err == nil || b.wrong(path...) {
		return
	}
	b.note(b.at(path, "%s", oneLine(err.Error())))
}

// joint is where errors.Join put two texts together; further lines of one text, which show a place in an expression, are
// indented.
var joint = regexp.MustCompile(`\n(\S)`)

func oneLine(text string) string { return joint.ReplaceAllString(text, "; $1") }

// blameFields notes the errors of a Check at their fields.
func (b *builder) blameFields(path []string, err error) {
	for _, field := range setting.Fields(err) {
		if field.Field == "match" && b.misnamed(path) { // the error is about the name, too
			continue
		}
		at := path[:len(path):len(path)]
		if field.Field != "" {
			at = append(at, strings.Split(field.Field, ".")...)
		}
		b.blame(at, field.Err)
	}
}

// decode fills a struct. The schema has refused unknown keys before; decode notes the values that do not fit their type.
func (b *builder) decode(node *yaml.Node, path []string, into any) {
	err := node.Load(into)
	var several *yaml.LoadErrors
	if !errors.As(err, &several) {
		b.blame(path, err)
		return
	}
	for _, one := range several.Errors {
		at := b.pathOf(path, node, one.Mark.Line, one.Mark.Column)
		if !b.wrong(at...) {
			b.note(Problem{File: b.file, Line: one.Mark.Line, Column: one.Mark.Column, Path: pathText(at), Message: oneLine(one.Message)})
		}
	}
}

func (b *builder) address(key, address string) {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		b.blame([]string{key}, fmt.Errorf("%q is no address such as :8080 or 127.0.0.1:9090", address))
	}
}

// load makes the certificate, if there is one.
func (t *TLS) load() error {
	if *t == (TLS{}) {
		return nil
	}
	pair, err := tls.X509KeyPair([]byte(t.Cert), []byte(t.Key))
	if err != nil {
		return fmt.Errorf("cert and key: %w", err)
	}
	t.Certificate = &pair
	return nil
}

// load makes the client configuration for amqps URLs, if anything beside the defaults is set.
func (b *Broker) load() error {
	if b.CA == "" && b.Cert == "" && b.Key == "" && b.ServerName == "" {
		return nil
	}
	b.TLS = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: b.ServerName}
	if b.CA != "" {
		b.TLS.RootCAs = x509.NewCertPool()
		if !b.TLS.RootCAs.AppendCertsFromPEM([]byte(b.CA)) {
			return errors.New("ca holds no PEM certificate")
		}
	}
	if b.Cert != "" || b.Key != "" {
		pair, err := tls.X509KeyPair([]byte(b.Cert), []byte(b.Key))
		if err != nil {
			return fmt.Errorf("cert and key: %w", err)
		}
		b.TLS.Certificates = []tls.Certificate{pair}
	}
	return nil
}

func (b Broker) check() error {
	if b.Embedded() {
		return nil
	}
	for _, text := range b.URL {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "amqp" && u.Scheme != "amqps" || u.Host == "" {
			return errors.New("is neither embedded nor an address such as amqp://user:password@host:5672/ (or a list of such); percent-encode special characters in the password")
		}
	}
	return nil
}

func (b *builder) institution(name string, node *yaml.Node) alma.Config {
	path := []string{"alma", name}
	a := alma.Defaults()
	b.decode(node, path, &a)
	b.blame(path, a.Check())
	return a
}

// schedule reads a source that the clock drives.
func (b *builder) schedule(c *Config, name string, node *yaml.Node) Schedule {
	path := []string{"sources", name}
	s := Schedule{Source: schedule.Defaults(), name: name}
	b.decode(node, path, &s)
	b.blameFields(path, c.Clocks.Add(name, s.Source))
	return s
}

// source reads a sender over its preset.
func (b *builder) source(c *Config, name string, node *yaml.Node) Source {
	path := []string{"sources", name}
	s := Source{Source: receiver.Defaults(), Path: receiver.PathPrefix + name}
	if preset := child(node, "preset"); preset != nil {
		var known bool
		if s.Source, known = receiver.Preset(preset.Value); !known {
			b.blame(append(path, "preset"), fmt.Errorf("no preset %q; there are %v", preset.Value, signature.Presets()))
			b.checkSecrets(path, node)
			return Source{}
		}
	}
	b.decode(node, path, &s)
	b.checkSecrets(path, node)
	s.Scheme = string(s.Verify.Kind)
	if s.Redact != nil {
		s.Redact.Key = c.RedactKey
	}
	b.blameFields(path, c.Senders.Add(name, s.Source))
	if child(node, "max_body") != nil && !c.Broker.Embedded() && s.MaxBody > broker.MaxBody {
		b.blame(append(path, "max_body"), fmt.Errorf("is more than the %d bytes that RabbitMQ takes; lower it, or leave it out", broker.MaxBody))
	}
	if s.MaxBody > c.Limits.MaxMemory {
		b.blame([]string{"limits", "max_memory"}, fmt.Errorf("is less than the largest body of source %s; raise it, or lower the source's max_body", name))
	}
	return s
}

func (b *builder) checkSecrets(path []string, node *yaml.Node) {
	if child(node, "secrets") == nil && child(node, "secrets"+fileSuffix) == nil {
		b.note(b.at(path, "secrets is missing: without a secret every message would be answered 503"))
	}
}

func (b *builder) route(c *Config, name string, node *yaml.Node) Route {
	path := []string{"routes", name}
	r := Route{Route: worker.Defaults()}
	r.Name = name
	b.decode(node, path, &r)
	if r.Where.IsZero() {
		r.Where = nil
	}
	h, err := b.kinds.Handlers.New(r.Part.Kind, r.Part.decode)
	b.blame(append(path, "handler"), err)
	r.Handler = b.enriched(path, r, b.redacted(path, c, r, h))
	b.blameFields(path, r.Check())
	return r
}

// redacted puts the route's redaction before h, if it has one.
func (b *builder) redacted(path []string, c *Config, r Route, h handler.Handler) handler.Handler {
	if r.Redact == nil {
		return h
	}
	r.Redact.Key = c.RedactKey
	redactor, err := privacy.New(*r.Redact)
	b.blame(append(path, "redact"), err)
	if redactor == nil || h == nil {
		return h
	}
	return worker.Redacted(redactor, h)
}

// enriched puts the route's enrichment before h, if it has one. It checks the enrichment of a wrong handler, too.
func (b *builder) enriched(path []string, r Route, h handler.Handler) handler.Handler {
	if r.Enrich == nil {
		return h
	}
	step, err := b.kinds.Enrich(*r.Enrich, h)
	b.blame(append(path, "enrich"), err)
	if err != nil {
		return h
	}
	return step
}
