// Package receiver takes webhooks in over HTTP. It proves who sent them, stores them on a line and only then answers 200;
// what is wrong on our side is a 503, which senders repeat, and never a 4xx, which some do not.
package receiver

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"github.com/hookline/hookline/broker"
)

// Config is what a Receiver needs to know. In every number 0 means the default.
type Config struct {
	// Sources by name: /webhooks/NAME. See event.CheckSource; "unknown" is taken.
	Sources map[string]Source
	// Routed tells whether a route takes events with this routing key; it is for metrics and the log. nil: every event is routed.
	Routed func(key string) bool
	// Counter is told of every request for a source. nil: nobody is.
	Counter Counter
	// PublicURL is how senders reach "/", for the few that sign the address: "https://hooks.example.org".
	// Empty: https and the request's own host.
	PublicURL string
	// TLS is for the listener; it has to have a certificate. nil: plain HTTP, for a proxy that speaks TLS. HTTP/2 is not
	// spoken: one request at a time is what makes a connection's memory countable.
	TLS *tls.Config
	// TrustedProxies may say for whom they ask, in X-Forwarded-For or X-Real-IP; nobody else is believed.
	TrustedProxies []netip.Prefix
	// MaxConnections at once; more wait to be accepted. Default 4096.
	MaxConnections int
	// MaxRequests that bring events, at once; more are answered 503 unread. Default 2048.
	MaxRequests int
	// MaxHeaderBytes of a request's headers; more are answered 431. Default 16 KiB.
	MaxHeaderBytes int
	// MaxMemory in bytes is for bodies above 64 KiB, which count as what they have grown to; when it is used up they
	// are answered 503. Smaller ones always have room. Default 256 MiB; at least the largest MaxBody.
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
//
// What strangers can make it hold is bounded by
//
//	MaxMemory + MaxRequests x 64 KiB + MaxConnections x 16 x (MaxHeaderBytes + 4 KiB)
//
// which is 1.6 GiB by default. The last part is for headers made to be costly: thousands of empty ones take net/http 16
// times their own size; usual ones take 20 KiB a connection. TLS adds 32 KiB for each. Before it collects garbage, Go may
// use as much again, unless GOMEMLIMIT says less.
type Receiver struct {
	config    Config
	sources   atomic.Pointer[table]
	nobody    *source // for requests that name no source
	pub       broker.Publisher
	metrics   *metrics
	slots     *semaphore.Weighted // of requests that bring events
	memory    *semaphore.Weighted
	strangers *rate.Limiter // of log lines that anybody can cause
	log       *zap.Logger
}

// New checks all of cfg and names everything that is wrong with it. It does no I/O.
func New(cfg Config, pub broker.Publisher, reg prometheus.Registerer, log *zap.Logger) (*Receiver, error) {
	cfg = cfg.withDefaults()
	m, err := newMetrics(reg)
	rc := &Receiver{
		config:    cfg,
		nobody:    &source{name: unknownSource, metrics: m.requestsOnly(unknownSource)},
		pub:       pub,
		metrics:   m,
		slots:     semaphore.NewWeighted(int64(cfg.MaxRequests)),
		memory:    semaphore.NewWeighted(cfg.MaxMemory),
		strangers: rate.NewLimiter(10, 100),
		log:       log,
	}
	if err := errors.Join(err, cfg.check(), rc.Reload(cfg.Sources)); err != nil {
		return nil, err
	}
	return rc, nil
}

// PathPrefix is where webhooks are taken; the source's name follows.
const PathPrefix = "/webhooks/"

// Handler serves /webhooks/{source}.
func (rc *Receiver) Handler() http.Handler {
	router := mux.NewRouter()
	const path = PathPrefix + "{source}"
	router.Handle(path, rc.source(rc.post)).Methods(http.MethodPost)
	router.Handle(path, rc.source(rc.get)).Methods(http.MethodGet)
	router.Handle(path, rc.source(wrong))
	router.NotFoundHandler = endpoint(rc.nowhere)
	return dispatch(router)
}

func wrong(_ http.ResponseWriter, _ *http.Request, s *source, _ time.Time) *answer {
	if s.Handshake.comesAsGet() {
		return refuseMethod("GET, POST")
	}
	return refuseMethod("POST")
}

func noSuchSource(http.ResponseWriter, *http.Request, *source, time.Time) *answer {
	return refuseSource()
}

func (c Config) withDefaults() Config {
	if c.Routed == nil {
		c.Routed = func(string) bool { return true }
	}
	if c.Counter == nil {
		c.Counter = uncounted{}
	}
	setDefault(&c.MaxConnections, 4096)
	setDefault(&c.MaxRequests, 2048)
	setDefault(&c.MaxHeaderBytes, 16<<10)
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
		"MaxConnections": int64(c.MaxConnections), "MaxRequests": int64(c.MaxRequests), "MaxHeaderBytes": int64(c.MaxHeaderBytes), "MaxMemory": c.MaxMemory,
		"ReadHeaderTimeout": int64(c.ReadHeaderTimeout), "ReadTimeout": int64(c.ReadTimeout), "IdleTimeout": int64(c.IdleTimeout), "Grace": int64(c.Grace),
	} {
		if value < 0 {
			errs = append(errs, fmt.Errorf("receiver: %s is negative; 0 is the default", name))
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
