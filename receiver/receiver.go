// Package receiver takes webhooks in over HTTP. It proves who sent them, stores them on a line and only then answers 200;
// what is wrong on our side is a 503, which senders repeat, and never a 4xx, which some do not.
package receiver

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"github.com/hookline/hookline/pkg/broker"
)

// Config is what a Receiver needs to know. In every number 0 means the default.
type Config struct {
	// Sources by name: /webhooks/NAME. See event.CheckSource; "unknown" is taken.
	Sources map[string]Source
	// Routed tells whether a route takes events with this routing key; it only counts. nil: every event is routed.
	Routed func(key string) bool
	// PublicURL is how senders reach "/", for the few that sign the address: "https://hooks.example.org".
	// Empty: https and the request's own host.
	PublicURL string
	// MaxConnections at once; more wait to be accepted. Default 1024.
	MaxConnections int
	// MaxHeaderBytes of a request's headers; more are answered 431. Default 32 KiB.
	MaxHeaderBytes int
	// MaxMemory in bytes is for bodies above 64 KiB, each of which counts as its source's MaxBody; when it is used up
	// they wait, and are answered 503 in the end. Default 256 MiB; at least the largest MaxBody.
	MaxMemory int64
	// ReadHeaderTimeout ends connections that send no complete headers in time. Default 5 s.
	ReadHeaderTimeout time.Duration
	// ReadTimeout ends requests that are not for a source; for the others Source.Deadline does. Default 30 s.
	ReadTimeout time.Duration
	// IdleTimeout closes connections between requests. Default 2 min.
	IdleTimeout time.Duration
	// Grace is how long requests that run may take when Serve is told to stop. Default 15 s.
	Grace time.Duration
}

// Receiver answers webhooks. It is safe for concurrent use.
type Receiver struct {
	config    Config
	sources   map[string]*source
	nobody    *source // for requests that name no source
	pub       broker.Publisher
	metrics   *metrics
	memory    *semaphore.Weighted
	strangers *rate.Limiter // of log lines that anybody can cause
	log       *zap.Logger
}

// New checks all of cfg and names everything that is wrong with it. It does no I/O.
func New(cfg Config, pub broker.Publisher, reg prometheus.Registerer, log *zap.Logger) (*Receiver, error) {
	cfg = cfg.withDefaults()
	m, err := newMetrics(reg)
	errs := []error{err, cfg.check()}
	rc := &Receiver{
		config:    cfg,
		sources:   make(map[string]*source, len(cfg.Sources)),
		nobody:    &source{name: unknownSource, metrics: m.requestsOnly(unknownSource)},
		pub:       pub,
		metrics:   m,
		memory:    semaphore.NewWeighted(cfg.MaxMemory),
		strangers: rate.NewLimiter(10, 100),
		log:       log,
	}
	for name, s := range cfg.Sources {
		rc.sources[name], err = newSource(name, s, m.source(name))
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return rc, nil
}

// PathPrefix is where webhooks are taken; the source's name follows.
const PathPrefix = "/webhooks/"

// Handler serves /webhooks/{source}. Paths are taken as they are: a cleaned one would be answered with a redirect,
// which no sender follows with its POST.
func (rc *Receiver) Handler() http.Handler {
	router := mux.NewRouter().SkipClean(true)
	const path = PathPrefix + "{source}"
	router.Handle(path, rc.source(rc.post)).Methods(http.MethodPost)
	router.Handle(path, rc.source(rc.get)).Methods(http.MethodGet)
	router.Handle(path, rc.source(wrong))
	router.NotFoundHandler = rc.serve(rc.nobody, nowhere)
	return router
}

func wrong(_ http.ResponseWriter, _ *http.Request, s *source, _ time.Time) answer {
	if s.Handshake.comesAsGet() {
		return refuseMethod("GET, POST")
	}
	return refuseMethod("POST")
}

func nowhere(http.ResponseWriter, *http.Request, *source, time.Time) answer { return refuseSource() }

func (c Config) withDefaults() Config {
	if c.Routed == nil {
		c.Routed = func(string) bool { return true }
	}
	setDefault(&c.MaxConnections, 1024)
	setDefault(&c.MaxHeaderBytes, 32<<10)
	setDefault(&c.MaxMemory, 256<<20)
	setDefault(&c.ReadHeaderTimeout, 5*time.Second)
	setDefault(&c.ReadTimeout, 30*time.Second)
	setDefault(&c.IdleTimeout, 2*time.Minute)
	setDefault(&c.Grace, 15*time.Second)
	return c
}

func setDefault[T comparable](value *T, to T) {
	var zero T
	if *value == zero {
		*value = to
	}
}

func (c Config) check() error {
	var errs []error
	for name, value := range map[string]int64{
		"MaxConnections": int64(c.MaxConnections), "MaxHeaderBytes": int64(c.MaxHeaderBytes), "MaxMemory": c.MaxMemory,
		"ReadHeaderTimeout": int64(c.ReadHeaderTimeout), "ReadTimeout": int64(c.ReadTimeout), "IdleTimeout": int64(c.IdleTimeout), "Grace": int64(c.Grace),
	} {
		if value < 0 {
			errs = append(errs, fmt.Errorf("receiver: %s is negative; 0 is the default", name))
		}
	}
	for name, s := range c.Sources {
		if s.MaxBody > c.MaxMemory {
			errs = append(errs, fmt.Errorf("receiver: MaxMemory of %d bytes is less than max_body of source %s", c.MaxMemory, name))
		}
	}
	if err := CheckPublicURL(c.PublicURL); err != nil {
		errs = append(errs, fmt.Errorf("receiver: public URL %w", err))
	}
	return errors.Join(errs...)
}

// CheckPublicURL tells whether text can be Config.PublicURL.
func CheckPublicURL(text string) error {
	if u, err := url.Parse(text); text != "" && (err != nil || u.Host == "" || u.RawQuery != "") {
		return fmt.Errorf("%q is not of the form https://hooks.example.org", text)
	}
	return nil
}
