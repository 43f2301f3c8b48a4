// Package receiver receives webhooks over HTTP. It verifies the sender, publishes the event to the broker, and answers 200
// only after the broker has stored the event. It answers every fault on its own side with 503, because senders repeat
// after a 503, and some give up after a 4xx.
package receiver

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/hookline/hookline/broker"
)

// Config is the configuration of a Receiver. In every number 0 means the default.
type Config struct {
	// Sources holds the sources by name: NAME in /webhooks/NAME. See event.CheckSource. The name "unknown" is reserved.
	Sources Sources
	// Routed reports whether a routing key matches a route, for metrics and the log. nil: every event is routed.
	Routed func(key string) bool
	// Counter counts every request for a source. nil: requests are not counted.
	Counter Counter
	// Journal is told of every stored event. nil: there is no journal.
	Journal Journal
	// Quarantine is told of requests that were turned away, with the reason why. nil: there is none.
	Quarantine Quarantine
	// PublicURL is the address of "/" for senders, such as "https://hooks.example.org". Senders that sign the address need
	// it. Empty: https and the host of the request.
	PublicURL string
	// TLS is the listener's configuration and has a certificate. nil: plain HTTP, for a proxy that terminates TLS. The
	// listener speaks HTTP/1.1 only, because one request at a time limits the memory of a connection.
	TLS *tls.Config
	// TrustedProxies lists the proxies whose X-Forwarded-For or X-Real-IP names the client.
	TrustedProxies []netip.Prefix
	// Limits bounds the resources that strangers can take.
	Limits
	// MaxBody is the largest body in bytes that the broker accepts. It limits every source. 0: no limit.
	MaxBody int64
	// Grace is the time that running requests have to finish when Serve stops. Default 15 s.
	Grace time.Duration
}

// Receiver answers webhooks. It is safe for concurrent use.
//
// Strangers can make it use at most this memory:
//
//	MaxMemory + MaxRequests x 64 KiB + MaxConnections x 16 x (MaxHeaderBytes + 4 KiB)
//
// By default this is 1.6 GiB. The last part is for hostile headers: thousands of empty ones use 16 times their own size
// in net/http, while usual headers use 20 KiB a connection. TLS adds 32 KiB to each connection. Go may use the same amount
// again before it collects garbage, unless GOMEMLIMIT is lower.
type Receiver struct {
	config    Config
	served    atomic.Pointer[served]
	began     time.Time // with the monotonic clock
	clock     senderClock
	unknown   *source // for requests for an unknown source
	publisher broker.Publisher
	metrics   *metrics
	slots     *shares // Config.MaxRequests
	memory    *shares // Config.MaxMemory
	recorder  recorder
}

// New returns a receiver that publishes to publisher and registers its metrics with reg. Its error names every mistake in
// cfg. New does no I/O.
func New(cfg Config, publisher broker.Publisher, reg prometheus.Registerer, log *zap.Logger) (*Receiver, error) {
	cfg = cfg.withDefaults()
	m, err := newMetrics(reg)
	rc := &Receiver{
		config:    cfg,
		began:     time.Now(),
		unknown:   &source{name: unknownSource, metrics: m.requestsOnly(unknownSource), rejections: &rejections{limiter: rate.NewLimiter(rate.Every(strangeEvery), rejectedBurst)}},
		publisher: publisher,
		metrics:   m,
		slots:     newShares(int64(cfg.MaxRequests)),
		memory:    newShares(cfg.MaxMemory),
		recorder:  recorder{counter: cfg.Counter, journal: cfg.Journal, quarantine: cfg.Quarantine, proxies: cfg.TrustedProxies, strangers: rate.NewLimiter(10, 100), shares: rate.NewLimiter(1, 5), log: log},
	}
	if err := errors.Join(err, cfg.check(), rc.Reload(cfg.Sources)); err != nil {
		return nil, err
	}
	return rc, nil
}

func (c Config) withDefaults() Config {
	if c.Routed == nil {
		c.Routed = func(string) bool { return true }
	}
	if c.Counter == nil {
		c.Counter = noCounter{}
	}
	if c.Journal == nil {
		c.Journal = noJournal{}
	}
	usual := DefaultLimits()
	setDefault(&c.MaxConnections, usual.MaxConnections)
	setDefault(&c.MaxRequests, usual.MaxRequests)
	setDefault(&c.MaxHeaderBytes, usual.MaxHeaderBytes)
	setDefault(&c.MinBodyRate, usual.MinBodyRate)
	setDefault(&c.MaxMemory, usual.MaxMemory)
	setDefault(&c.ReadHeaderTimeout, usual.ReadHeaderTimeout)
	setDefault(&c.ReadTimeout, usual.ReadTimeout)
	setDefault(&c.IdleTimeout, usual.IdleTimeout)
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
		"MaxConnections": int64(c.MaxConnections), "MaxRequests": int64(c.MaxRequests), "MaxHeaderBytes": int64(c.MaxHeaderBytes), "MaxMemory": c.MaxMemory, "MinBodyRate": int64(c.MinBodyRate),
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

// CheckPublicURL returns an error unless text is valid as Config.PublicURL.
func CheckPublicURL(text string) error {
	if u, err := url.Parse(text); text != "" && (err != nil || u.Host == "" || u.RawQuery != "") {
		return fmt.Errorf("%q is not of the form https://hooks.example.org", text)
	}
	return nil
}
