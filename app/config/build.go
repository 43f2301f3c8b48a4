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
	"github.com/hookline/hookline/expect"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/privacy"
	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/receiver"
	"github.com/hookline/hookline/schedule"
	"github.com/hookline/hookline/worker"
)

// builder turns a document that the schema has checked into a Config, and adds the problems that only the owners of the parts can find.
type builder struct {
	*document
	make  MakeKinds
	kinds Kinds // for the institutions, which are read first
}

func (b *builder) build() *Config {
	c := Defaults()
	c.doc, c.CheckedSources, c.CheckedSchedules = b.document, receiver.Sources{}, schedule.Sources{}
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
	b.kinds = b.make(c.Data, c.Alma)
	c.Decoding = b.kinds.Decoding
	for name, node := range pairs(child(b.root, "routes")) {
		c.Routes = append(c.Routes, b.route(&c, name, node))
	}
	return &c
}

// checkTop checks the keys at the top of the file.
func (b *builder) checkTop(c *Config) {
	b.address("listen", c.Listen)
	b.address("private_listen", c.PrivateListen)
	b.report([]string{"console"}, c.Console.Check())
	if c.Listen == c.PrivateListen && !strings.HasSuffix(c.Listen, ":0") {
		b.report([]string{"private_listen"}, errors.New("is the same as listen; it needs an address of its own, which strangers cannot reach"))
	}
	b.report([]string{"public_url"}, receiver.CheckPublicURL(c.PublicURL))
	if c.Data == "" {
		b.report([]string{"data"}, errors.New("is empty; write the folder for everything that must last"))
	}
	if c.Spool.MaxAge <= 0 {
		b.report([]string{"spool", "max_age"}, errors.New("must be more than 0; leave it out for 72h"))
	}
	if c.Journal.Keep <= 0 {
		b.report([]string{"journal", "keep"}, errors.New("must be more than 0; leave it out for 720h, or write enabled: false for no journal"))
	}
	b.report([]string{"tls"}, c.TLS.load())
	b.report([]string{"broker"}, c.Broker.load())
	b.report([]string{"broker", "url"}, c.Broker.check())
	b.report([]string{"broker", "management"}, c.Broker.checkManagement())
}

// report adds err, unless it is nil, as a problem at path; joined errors on one line. Where the value has a problem already, it adds none,
// because that problem may be the cause.
func (b *builder) report(path []string, err error) {
	if err == nil || b.hasProblem(path...) {
		return
	}
	b.add(b.at(path, "%s", oneLine(err.Error())))
}

// newText begins the second text of two that errors.Join put together. The further lines of one text, which show a place in an expression,
// are indented.
var newText = regexp.MustCompile(`\n(\S)`)

func oneLine(text string) string { return newText.ReplaceAllString(text, "; $1") }

// reportFields adds the errors of a Check as problems at their fields.
func (b *builder) reportFields(path []string, err error) {
	for _, field := range setting.Fields(err) {
		if field.Field == "match" && b.hasKeyProblem(path) { // the error is about the name, too
			continue
		}
		if field.Field == "verify" && (b.hasProblem(append(path, "secrets")...) || b.hasProblem(append(path, "secrets"+fileSuffix)...)) {
			continue // the error is about the secrets, too
		}
		at := path[:len(path):len(path)]
		if field.Field != "" {
			at = append(at, strings.Split(field.Field, ".")...)
		}
		b.report(at, field.Err)
	}
}

// decode fills a struct. The schema has refused unknown keys before; decode adds a problem for each value that does not fit its type.
func (b *builder) decode(node *yaml.Node, path []string, into any) {
	err := node.Load(into)
	var several *yaml.LoadErrors
	if !errors.As(err, &several) {
		b.report(path, err)
		return
	}
	for _, one := range several.Errors {
		at := b.pathOf(path, node, one.Mark.Line, one.Mark.Column)
		if !b.hasProblem(at...) {
			b.add(Problem{File: b.file, Line: one.Mark.Line, Column: one.Mark.Column, Path: pathText(at), Message: oneLine(withoutValue(one.Message))})
		}
	}
}

func (b *builder) address(key, address string) {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		b.report([]string{key}, fmt.Errorf("%q is no address such as :8080 or 127.0.0.1:9090", address))
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

func (b Broker) checkManagement() error {
	u, err := url.Parse(string(b.Management))
	if b.Management != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User == nil) {
		return errors.New("is no address such as http://user:password@host:15672; percent-encode special characters in the password")
	}
	return nil
}

func (b *builder) institution(name string, node *yaml.Node) alma.Config {
	path := []string{"alma", name}
	a := alma.Defaults()
	b.decode(node, path, &a)
	b.report(path, a.Check())
	return a
}

// schedule reads a source that the clock drives.
func (b *builder) schedule(c *Config, name string, node *yaml.Node) Schedule {
	path := []string{"sources", name}
	s := Schedule{Source: schedule.Defaults(), name: name}
	b.decode(node, path, &s)
	b.reportFields(path, c.CheckedSchedules.Add(name, s.Source))
	return s
}

// source reads a sender over its preset.
func (b *builder) source(c *Config, name string, node *yaml.Node) Source {
	path := []string{"sources", name}
	s, known := Source{Source: receiver.Defaults(), Journal: SourceJournal{Bodies: true}, Path: receiver.PathPrefix + name}, true
	if preset := child(node, "preset"); preset != nil {
		if s.Source, known = receiver.Preset(preset.Value); !known {
			b.report(append(path, "preset"), fmt.Errorf("no preset %q; there are %v", preset.Value, signature.Presets()))
		}
	}
	b.decode(node, path, &s)
	if child(node, "secrets") == nil && child(node, "secrets"+fileSuffix) == nil {
		b.add(b.at(path, "secrets is missing: without a secret every message would be answered 503"))
	}
	if !known {
		return s // its other keys depend on the preset
	}
	s.Scheme = string(s.Verify.Kind)
	if s.Redact != nil {
		s.Redact.Key = c.RedactKey
	}
	b.reportFields(path, c.CheckedSources.Add(name, s.Source))
	if s.Journal.Keep < 0 {
		b.report(append(path, "journal", "keep"), errors.New("must be more than 0; leave it out for the journal's own keep"))
	}
	if child(node, "max_body") != nil && !c.Broker.Embedded() && s.MaxBody > broker.MaxBody {
		b.report(append(path, "max_body"), fmt.Errorf("is more than the %d bytes that RabbitMQ takes; lower it, or leave it out", broker.MaxBody))
	}
	if s.MaxBody > c.Limits.MaxMemory {
		b.report([]string{"limits", "max_memory"}, fmt.Errorf("is less than the largest body of source %s; raise it, or lower the source's max_body", name))
	}
	return s
}

func (b *builder) route(c *Config, name string, node *yaml.Node) Route {
	path := []string{"routes", name}
	r := Route{Route: worker.Defaults()}
	r.Name = name
	b.decode(node, path, &r)
	if r.External {
		b.external(path, c, r)
		return r
	}
	if r.Where.IsZero() {
		r.Where = nil
	}
	h, err := b.kinds.Handlers.New(r.HandlerPart.Kind, r.HandlerPart.decode)
	b.report(append(path, "handler"), err)
	r.Plain, r.Handler = h, b.enriched(path, r, b.redacted(path, c, r, h))
	b.reportFields(path, r.Check())
	b.expected(path, c, r)
	return r
}

// expected checks the expected events of a route.
func (b *builder) expected(path []string, c *Config, r Route) {
	if r.Expect == nil {
		return
	}
	path = append(path[:len(path):len(path)], "expect")
	b.reportFields(path, r.Expect.Check())
	_, taken := c.Sources[expect.Source]
	_, emits := c.Schedules[expect.Source]
	switch {
	case !c.Journal.Enabled:
		b.report(path, errors.New("needs the journal, which knows the events that came: write journal: { enabled: true } at the top"))
	case r.Expect.Every > c.Journal.Keep:
		b.report(path, fmt.Errorf("every is longer than the journal keeps events (%v); raise journal.keep", c.Journal.Keep))
	case taken || emits:
		b.report(path, fmt.Errorf("tells of missing events by events of the source %s; give your source another name", expect.Source))
	}
}

// external checks a route whose queue a program of somebody else consumes.
func (b *builder) external(path []string, c *Config, r Route) {
	var errs setting.Errors
	errs.Add("match", r.Route.Route.Check())
	b.reportFields(path, errs.Err())
	if c.Broker.Embedded() {
		b.report(append(path, "external"), errors.New("needs RabbitMQ, because no other program can read the embedded broker: set broker.url to a RabbitMQ address, or write a handler such as http or exec"))
	}
}

// redacted puts the route's redaction before h, if it has one.
func (b *builder) redacted(path []string, c *Config, r Route, h handler.Handler) handler.Handler {
	if r.Redact == nil {
		return h
	}
	r.Redact.Key = c.RedactKey
	redactor, err := privacy.New(*r.Redact)
	b.report(append(path, "redact"), err)
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
	b.report(append(path, "enrich"), err)
	if err != nil {
		return h
	}
	return step
}
