package http

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/jsonbody"
	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/pkg/text"
)

// Config sends each event to a URL.
type Config struct {
	// URL is the http or https address that events are sent to; a user and password in it are sent as basic authentication.
	URL string `yaml:"url" schema:"required"`
	// Method is the method of the requests.
	Method string `yaml:"method" schema:"enum=POST|PUT|PATCH"`
	// Headers are sent with every event and win over the event's Content-Type. Names that the handler or HTTP itself sets (Hookline-*,
	// webhook-*, Content-Length, ...) are refused.
	Headers map[string]string `yaml:"headers"`
	// Body is a template that makes the request's body from a JSON event: {"id":{{json .data.id}}}. Its Content-Type is application/json unless
	// headers has another. Default: the event's body as it is.
	Body string `yaml:"body"`
	// Sign signs every request by Standard Webhooks.
	Sign Sign `yaml:"sign"`
	// Decoding bounds the memory of the values that Body reads; nil: no bound.
	Decoding *jsonbody.Budget `yaml:"-"`
}

// Sign is the signature of requests.
type Sign struct {
	// Secret is "whsec_" and a key of 24 to 64 bytes in base64; empty: requests are not signed.
	Secret setting.Secret `yaml:"secret"`
}

// Defaults returns a Config that lacks only its URL.
func Defaults() Config { return Config{Method: http.MethodPost} }

func (c Config) build() (*forwarder, error) {
	f := &forwarder{method: c.Method, header: http.Header{}, decoding: c.Decoding}
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	target, err := url.Parse(c.URL)
	switch {
	case c.URL == "":
		bad("url: is required")
	case err != nil:
		bad("url: cannot be parsed; write it as https://host/path") // the error would quote it
	case target.Scheme != "http" && target.Scheme != "https" || target.Host == "":
		bad("url: must be http://host/... or https://host/...")
	case target.Fragment != "":
		bad("url: must not have a fragment (#...)")
	}
	f.url = target

	switch c.Method {
	case "":
		f.method = http.MethodPost
	case http.MethodPost, http.MethodPut, http.MethodPatch:
	default:
		bad("method %q: must be POST, PUT or PATCH", c.Method)
	}

	for name, value := range c.Headers {
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			bad("headers: %q cannot be the name of a header", name)
		case reserved(name):
			bad("headers: %s is set by the handler itself; leave it out", name)
		case !httpguts.ValidHeaderFieldValue(value):
			bad("headers: the value of %s holds a character that a header cannot have", name)
		}
		f.header.Set(name, value)
	}

	if c.Body != "" {
		made, err := text.New("body", c.Body)
		if err != nil {
			bad("%w", err)
		}
		f.body = &made
	}
	if c.Sign.Secret != "" {
		scheme, _ := signature.Preset("standard-webhooks")
		if f.sign, err = signature.New(scheme, []signature.Secret{{Value: c.Sign.Secret}}); err != nil {
			bad("sign.secret: %w; `hookline config secret FILE` makes one, which sign: { secret_file: FILE } reads", err)
		}
	}
	return f, errors.Join(errs...)
}

// reserved tells whether the handler or HTTP itself sets the header.
func reserved(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade":
		return true
	}
	return strings.HasPrefix(name, "hookline-") || strings.HasPrefix(name, "webhook-")
}

// messageID returns the webhook-id of an event. It covers source and action too, because the ID of some senders is that of an object. It has
// no dots, because Standard Webhooks separates the signed parts by dots.
func messageID(e event.Event) string { return event.NewID("", []byte(e.Key()+" "+e.ID)) }
